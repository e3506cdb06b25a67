from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.report import fake_run
from vesalius.errors import UserError
from vesalius.report import build
from vesalius.report.page import LIMIT

SECTIONS = (
    *("verdict", "data", "views", "curves", "probes", "label-efficiency", "neighbours", "map", "mistakes"),
    *("calibration", "checkpoints", "cost", "use", "config", "warnings"),
)
_VOID = {"meta", "link", "img", "br", "input", "hr"}
_LOADS = {"src", "srcset", "data", "poster", "background", "action", "formaction", "cite"}

Fake = Callable[[str], Path]


class Page(HTMLParser):
    """Every element with its attributes, the text outside scripts, and whether elements are nested rightly."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.wrong: list[str] = []
        self.open: list[str] = []
        self.sections: dict[str, list[str]] = {}
        self.state: dict[str, str] = {}
        self._section = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag == "section":
            self._section = found["id"]
            self.sections[self._section] = []
            self.state[self._section] = found["data-state"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.wrong.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()
        if tag == "section":
            self._section = ""

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("script", "style"):
            return
        self.texts.append(data)
        if self._section and data.strip():
            self.sections[self._section].append(data.strip())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read(path: Path) -> tuple[str, Page]:
    source = path.read_text(encoding="utf-8")
    return source, Page(source)


def check(path: Path, sections: list[str] | tuple[str, ...] = tuple(SECTIONS)) -> Page:
    """What holds of every page, whatever the runs are like."""
    assert path.stat().st_size < LIMIT
    source, page = read(path)
    assert source.startswith("<!doctype html>")
    assert not page.wrong
    assert not page.open
    assert [attributes["id"] for attributes in page.all("section")] == list(sections)
    for name, said in page.sections.items():
        if page.state[name] == "absent":
            assert len(" ".join(said[1:])) > 10, f"{name} is absent without a reason"
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), f"{tag} has {name}"
            if name in _LOADS or (name == "href" and tag != "a"):
                assert value.startswith("data:"), f"{tag} loads {value[:60]}"
            if name == "href" and tag == "a":
                assert value.startswith("#")
                assert value[1:] in ids
    assert not re.search(r"url\(|@import", "".join(re.findall(r"<style>(.*?)</style>", source, re.DOTALL)))
    for picture in page.all("img"):
        assert "alt" in picture
        kind, _, data = picture["src"].partition(";base64,")
        with Image.open(BytesIO(base64.b64decode(data, validate=True))) as image:
            image.load()
            assert image.get_format_mimetype() == kind.removeprefix("data:")
    for label in page.all("button"):
        assert label["type"] == "button"
    return page


@pytest.mark.parametrize("variant", fake_run.VARIANTS)
def test_every_variant_is_a_whole_page(variant: str, fake: Fake, tmp_path: Path) -> None:
    path = build([fake(variant)], tmp_path / "page.html")
    assert path == tmp_path / "page.html"
    check(path)


def test_a_full_run_has_every_section(fake: Fake, tmp_path: Path) -> None:
    page = check(build([fake("full")], tmp_path / "page.html"))
    assert set(page.state.values()) == {"present"}
    assert " ".join(page.sections["verdict"]).count("The encoder learned") == 1


def test_the_page_lies_in_the_run_unless_told_otherwise(fake: Fake, three: list[Path]) -> None:
    assert build([fake("single_metric")]) == fake("single_metric") / "report.html"
    assert build(three[:2]) == three[0] / "comparison.html"


def test_a_run_without_labels_says_so(fake: Fake, tmp_path: Path) -> None:
    page = check(build([fake("without_monitor")], tmp_path / "page.html"))
    absent = {name for name, state in page.state.items() if state == "absent"}
    assert {"probes", "neighbours", "map", "mistakes", "label-efficiency", "calibration"} <= absent
    assert "No labelled data was given" in " ".join(page.sections["probes"])
    assert page.state["curves"] == "present"


def test_a_reason_given_by_the_run_is_the_reason_shown(fake: Fake, tmp_path: Path) -> None:
    page = check(build([fake("multilabel")], tmp_path / "page.html"))
    assert "Calibration is measured for one class per image." in " ".join(page.sections["calibration"])


def test_names_are_text_and_never_markup(fake: Fake, tmp_path: Path) -> None:
    path = build([fake("nasty")], tmp_path / "page.html")
    page = check(path)
    text = " ".join(page.texts)
    for name in fake_run.NASTY:
        assert name in text
    assert not [attributes for attributes in page.all("img") if attributes.get("src") == "x"]
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", path.read_text(), re.DOTALL)
    running = [body for attributes, body in scripts if "application/json" not in attributes]
    assert len(running) == 1
    for attributes, body in scripts:
        if "application/json" in attributes:
            json.loads(body)


def test_only_the_page_s_own_script_may_run(fake: Fake, tmp_path: Path) -> None:
    source, page = read(build([fake("full")], tmp_path / "page.html"))
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    script = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy


def test_the_same_run_gives_the_same_page(fake: Fake, tmp_path: Path) -> None:
    first = build([fake("full")], tmp_path / "a.html").read_bytes()
    assert first == build([fake("full")], tmp_path / "b.html").read_bytes()


def test_large_pictures_are_made_to_fit(tmp_path: Path) -> None:
    """2,000 noisy thumbnails are 18 MB as they are."""
    import numpy as np

    run = fake_run.full(items=150, steps=48, test=300).write(tmp_path / "run")
    noise = np.random.default_rng(0).integers(0, 256, (50 * 48, 40 * 48, 3), dtype=np.uint8)
    Image.fromarray(noise).save(run / "examples" / "sprite.png", compress_level=0)
    content = json.loads((run / "examples" / "examples.json").read_text())
    content["items"] = [content["items"][n % 150] for n in range(2000)]
    (run / "examples" / "examples.json").write_text(json.dumps(content))
    page = check(build([run]))
    assert page.state["map"] == "present"
    assert any(one.get("class") == "sprite" for one in page.all("img"))


@pytest.mark.parametrize(
    "removed", ["results.json", "metrics.jsonl", "config.yaml", "run.json", "encoder.json", "examples", "views.png"]
)
def test_a_missing_piece_leaves_its_sections_absent(removed: str, fake: Fake, tmp_path: Path) -> None:
    run = shutil.copytree(fake("full"), tmp_path / "run")
    target = run / removed
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    page = check(build([run]))
    missing = {
        "results.json": {"verdict", "data", "probes", "label-efficiency", "calibration", "checkpoints", "cost"},
        "metrics.jsonl": {"curves"},
        "config.yaml": {"config"},
        "encoder.json": {"use"},
        "examples": {"neighbours", "map", "mistakes"},
        "views.png": {"views"},
        "run.json": set(),
    }[removed]
    assert {name for name, state in page.state.items() if state == "absent" and name != "warnings"} == missing


@pytest.mark.parametrize(
    "name", ["results.json", "examples/examples.json", "encoder.json", "run.json", "config.yaml", "views.png"]
)
@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"null", b"\xff\xfe\x00", b'{"a": ' * 3000])
def test_a_broken_file_is_reported_and_not_fatal(name: str, content: bytes, fake: Fake, tmp_path: Path) -> None:
    run = shutil.copytree(fake("single_metric"), tmp_path / "run")
    (run / name).parent.mkdir(exist_ok=True)
    (run / name).write_bytes(content)
    check(build([run]))


def _damage(value: Any, path: list[int], change: Any) -> Any:
    """``value`` with the entry reached by ``path`` (each number picks a child) replaced by ``change``."""
    if not path or not isinstance(value, dict | list) or not value:
        return change
    if isinstance(value, dict):
        key = list(value)[path[0] % len(value)]
        return {**value, key: _damage(value[key], path[1:], change)}
    place = path[0] % len(value)
    return [*value[:place], _damage(value[place], path[1:], change), *value[place + 1 :]]


_JUNK = st.sampled_from(
    [None, True, -1, 0, 3.7, 1e300, float("nan"), 10**400, "text", "<b>", [], [None], {}, {"value": 1}, [[1]]]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damages=st.lists(st.tuples(st.lists(st.integers(0, 50), min_size=1, max_size=5), _JUNK), min_size=1, max_size=6))
def test_results_of_any_shape_give_a_page(
    damages: list[tuple[list[int], Any]], fake: Fake, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = tmp_path_factory.mktemp("damaged") / "run"
    shutil.copytree(fake("single_metric"), run, ignore=shutil.ignore_patterns("*.html"))
    for name in ("results.json", "encoder.json", "run.json", "examples/examples.json"):
        value = json.loads((run / name).read_text())
        if name == "examples/examples.json":
            value["items"] = value["items"][:20]
        for path, change in damages:
            value = _damage(value, path, change)
        (run / name).write_text(json.dumps(value))
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()[-40:]]
    for path, change in damages:
        lines = _damage(lines, path, change)
    (run / "metrics.jsonl").write_text(
        "\n".join(json.dumps(line) for line in (lines if isinstance(lines, list) else [lines]))
    )
    check(build([run]))
    shutil.rmtree(run)


def test_no_run_is_a_user_s_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run to report"):
        build([])
    with pytest.raises(UserError, match="not a run directory"):
        build([tmp_path / "nowhere"])
    with pytest.raises(UserError, match="holds nothing of a run"):
        build([tmp_path])
    with pytest.raises(UserError, match="at most 26"):
        build([tmp_path] * 27)


def test_several_runs_share_one_page(three: list[Path], tmp_path: Path) -> None:
    page = check(build(three, tmp_path / "page.html"), ["compare", *SECTIONS])
    text = " ".join(page.sections["compare"])
    assert "A − C" in text
    assert "paired" in text
    legend = " ".join(page.sections["curves"])
    assert "A · linear" in legend
    assert "C · linear" in legend
    assert "2 settings differ." in " ".join(page.sections["config"])  # temperature and seed
    assert "All 3 runs used the same data." in " ".join(page.sections["data"])


def test_runs_of_unlike_kinds_share_a_page(fake: Fake, tmp_path: Path) -> None:
    kinds = ("full", "without_monitor", "multilabel", "collapsed", "nasty", "ten_classes")
    page = check(build([fake(kind) for kind in kinds], tmp_path / "page.html"), ["compare", *SECTIONS])
    assert "Of 6 runs each is compared with the first." in " ".join(page.sections["compare"])
