"""The page of a selection: every section says what it shows or why it is absent, and in a browser the map is filtered and searched."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.report import chromium
from tests.select.made_selection import made, run_of
from vesalius.report import build
from vesalius.report.kinds import kind
from vesalius.report.page import render
from vesalius.report.reading import read_run
from vesalius.report.selections import NAMES
from vesalius.report.selections.covering import standing


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("selection")
    return run_of(made(base / "pictures", 200, 40), base / "run").path


@pytest.fixture(scope="module")
def page(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build([run], tmp_path_factory.mktemp("pages") / "page.html")


def _states(text: str) -> dict[str, str]:
    return dict(re.findall(r'<section id="([\w-]+)" data-state="(\w+)"', text))


def test_all_sections_are_there_and_present(run: Path, page: Path) -> None:
    assert kind(read_run(run)) == "select"
    assert _states(page.read_text()) == dict.fromkeys(NAMES, "present")


def test_it_says_what_was_found(page: Path) -> None:
    text = page.read_text()
    for said in ("40 of 200 images are selected", "Covers the images better than every random selection", "Cover radius", "truncated file"):
        assert said in text
    assert "secret-name" not in text


def test_objects_have_lines_of_their_own(run: Path, tmp_path: Path) -> None:
    found = json.loads((run / "results.json").read_text())
    found["quality"]["objects"] = {"cells": {"cover_radius": {"selection": 1.0, "random": {"mean": 2.0, "least": 1.5, "greatest": 3.0}}}}
    (tmp_path / "results.json").write_text(json.dumps(found))
    (tmp_path / "run.json").write_text((run / "run.json").read_text())
    assert "Cover radius, cells" in render([read_run(tmp_path)])


def test_what_the_card_shows_anyway_is_not_a_reason(page: Path) -> None:
    assert "diversity: gain" not in page.read_text()


def test_an_empty_run_says_why_of_each_section(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"verb": "select", "name": "empty", "state": "done"}))
    states = _states(render([read_run(tmp_path)]))
    assert set(states) == set(NAMES)
    assert set(states.values()) == {"absent"}


@pytest.mark.parametrize("part", ["quality", "distances", "balance", "probe", "picks", "pairs", "strategies", "datapool"])
@pytest.mark.parametrize("wrong", [None, [], [1], {"rows": [{}], "cover_radius": {"selection": "x"}}, "text"])
def test_misshapen_results_do_not_break_the_page(run: Path, tmp_path: Path, part: str, wrong: object) -> None:
    found = json.loads((run / "results.json").read_text())
    (tmp_path / "results.json").write_text(json.dumps({**found, part: wrong}))
    (tmp_path / "run.json").write_text((run / "run.json").read_text())
    assert set(_states(render([read_run(tmp_path)]))) == set(NAMES)


def test_without_pictures_the_picks_are_listed(run: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(run, bare, ignore=shutil.ignore_patterns("examples", "selected"))
    text = render([read_run(bare)])
    assert _states(text)["picked"] == "present"
    assert _states(text)["selection-map"] == "absent"


@pytest.mark.parametrize(
    ("name", "value", "word"), [("cover_radius", 0.5, "better"), ("cover_radius", 3, "worse"), ("min_pair", 3, "better"), ("min_pair", 1.5, "as random")]
)
def test_better_is_beyond_every_random_one(name: str, value: float, word: str) -> None:
    assert standing(name, {"selection": value, "random": {"mean": 1.5, "least": 1.0, "greatest": 2.0}}) == word


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Chromium]:
    if chromium.find() is None:
        if os.environ.get("VESALIUS_REQUIRE_DATA") == "1":
            pytest.fail("missing tool: chromium")
        pytest.skip("missing tool: chromium")
    with chromium.Chromium() as found:
        yield found


_SHOWN = "document.querySelector('[data-shown]').textContent"
_FRAMES = "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"


def test_hover_filter_and_search_work_offline(browser: chromium.Chromium, page: Path) -> None:
    browser.open(page, 1280)
    assert browser.errors == []
    assert [url for url in browser.requests if not url.startswith("data:")] == [page.resolve().as_uri()]
    assert browser.run(_SHOWN).startswith("200 of 200 shown, 40 of them selected")
    browser.run("document.querySelector('[data-state=others]').click()")
    browser.run(_FRAMES)
    assert browser.run(_SHOWN).startswith("40 of 200 shown, 40 of them")
    browser.run("document.querySelector('[data-state=others]').click()")
    browser.run("document.querySelector('button[data-label=\"0\"]').click()")
    browser.run(_FRAMES)
    assert int(browser.run(_SHOWN).split()[0]) < 200
    browser.run("document.querySelector('button[data-label=\"0\"]').click()")
    browser.run("(() => { const f = document.querySelector('.tools input'); f.value = '#3'; f.dispatchEvent(new Event('input')); })()")
    browser.run(_FRAMES)
    assert browser.run(_SHOWN).startswith("1 of 200 shown, 1 of them selected")
    browser.run("document.querySelector('#selection-map').scrollIntoView()")
    browser.run("(() => { const c = document.querySelector('canvas'); c.focus(); })()")
    browser.key("ArrowLeft")  # the arrow tells of the image nearest to the middle, or of none
    browser.key("ArrowRight")
    box = browser.run("(() => { const b = document.querySelector('canvas').getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()")
    told = ""
    for across in range(4, 100, 2):
        for down in range(4, 100, 4):
            browser.mouse("mouseMoved", box[0] + box[2] * across / 100, box[1] + box[3] * down / 100)
            told = browser.run("(() => { const t = document.querySelector('.tip'); return t.hidden ? '' : t.textContent; })()")
            if told:
                break
        if told:
            break
    assert "selected, number 3" in told
    assert browser.errors == []


def test_nothing_is_wider_than_the_window(browser: chromium.Chromium, page: Path) -> None:
    for width in (1280, 390):
        browser.open(page, width)
        assert browser.run("document.documentElement.scrollWidth") <= width
