"""The section of saliency: every picture of every encoder, what its colours say, and what is not there."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.report.looking import fake_saliency
from vesalius.evaluate import showing
from vesalius.report import build, reproduce
from vesalius.report.evaluations import of
from vesalius.report.looking import saliency
from vesalius.report.looking.shown import shown
from vesalius.report.page import LIMIT
from vesalius.report.reading import RunRecord, read_run

BUDGET = 3_000_000


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_saliency.write(tmp_path_factory.mktemp("three") / "run", ("byol", fake_saliency.LONG, "<b>50 %</b>"), ("a", "b", "c"), images=5, side=40)


def parts(run: RunRecord, budget: int = BUDGET) -> Any:
    (block,) = saliency.section([run], budget).blocks
    return block.parts


def test_every_image_is_under_the_map_of_every_encoder(three: Path) -> None:
    found = parts(read_run(three))
    assert [one["name"] for one in (*found["sets"], *found["more"])] == ["a", "b", "c"]
    for one in (*found["sets"], *found["more"]):
        images = [*one["images"], *one["more"]]
        assert len(images) == 5
        assert all(len(image["tiles"]) == 4 and image["picture"].address for image in images)
        assert one["wide"] == 5
        names = [tile["name"] for tile in images[0]["tiles"]]
        assert names == ["byol", fake_saliency.LONG, "<b>50 %</b>", fake_saliency.RANDOM], "baselines last"
        assert [row.words[0] for row in one["table"].rows] == names
        missing = [(at, tile["name"]) for at, image in enumerate(images) for tile in image["tiles"] if not tile["overlay"].address]
        assert missing == [(0, "<b>50 %</b>")]
        assert all(tile["heat"].address for image in images for tile in image["tiles"])


def test_the_numbers_below_are_those_of_the_run(three: Path) -> None:
    run = read_run(three)
    row = run.results["saliency"]["pictures"][0]
    found = parts(run)["sets"][0]
    assert found["images"][0]["tiles"][0]["diffusion"] == f"{row['diffusion']:.1f}\u00a0%"
    cell = run.results["saliency"]["cells"][0]
    assert found["table"].rows[0].numbers == [f"{cell['value']:.1f}\u00a0%", f"{cell['low']:.1f} to {cell['high']:.1f}\u00a0%"]


def test_the_page_holds_its_pictures_and_escapes_names(three: Path) -> None:
    page = build([three]).read_text()
    section = page[page.index('<section id="saliency"') :]
    section = section[: section.index("</section>")]
    assert section.count("<img") == 3 * (5 + 5 * 4 * 2 - 1)
    assert set(re.findall(r'src="(data:image/\w+)', section)) <= {"data:image/png", "data:image/webp"}
    assert section.count('class="no-picture"') == 3
    assert "<b>50" not in section
    assert "how much the feature changes when a window of 10 pixels there is hidden" in unescape(section)
    assert "linear-gradient(to right, rgb(68 1 84)" in section, "viridis"
    assert page.index('id="evaluated"') < page.index('id="saliency"') < page.index('id="reproduce"')


@pytest.mark.parametrize(("kind", "said"), [("grad-cam", "place of the last map"), ("attention-rollout", "through all layers"), ("attention", "class token")])
def test_each_kind_of_map_says_what_it_measures(kind: str, said: str, tmp_path: Path) -> None:
    found = parts(read_run(fake_saliency.write(tmp_path / "run", images=1, side=16, kind=kind)))
    assert said in found["says"]
    assert found["sets"][0]["table"].rows[0].numbers[1] == "–"
    assert "Fewer than three images" in found["sets"][0]["table"].note


def test_many_large_pictures_stay_within_their_bytes(tmp_path: Path) -> None:
    folder = fake_saliency.write(tmp_path / "run", fake_saliency.MANY, images=20, side=24)
    found = parts(read_run(folder), 400_000)
    one = found["sets"][0]
    assert (len(one["images"]), len(one["more"]), one["wide"]) == (2, 18, 5)
    assert sum(len(tile[what].address) for image in (*one["images"], *one["more"]) for tile in image["tiles"] for what in ("overlay", "heat")) < 400_000
    assert build([folder]).stat().st_size < LIMIT


def test_without_pictures_it_is_absent_with_the_reason(tmp_path: Path) -> None:
    folder = fake_saliency.write(tmp_path / "run", images=1, side=16)
    results = json.loads((folder / "results.json").read_text())
    results["saliency"]["pictures"] = []
    assert "saliency" in of(read_run(folder))
    (folder / "results.json").write_text(json.dumps(results))
    run = read_run(folder)
    assert "saliency" not in of(run)
    assert "`vesalius evaluate saliency` does" in saliency.section([run], BUDGET).reason
    two = saliency.section([read_run(fake_saliency.write(tmp_path / "other", images=1, side=16)), run], BUDGET)
    assert [bool(block.reason) for block in two.blocks] == [False, True]


def test_what_could_not_be_made_is_said(tmp_path: Path) -> None:
    folder = fake_saliency.write(tmp_path / "run", images=1, side=16)
    results = json.loads((folder / "results.json").read_text())
    results["saliency"]["absent"] = [{"encoder": "cnn", "data": "pneumoniamnist", "reason": "It has no attention."}]
    (folder / "results.json").write_text(json.dumps(results))
    assert parts(read_run(folder))["absent"] == ["cnn on pneumoniamnist: It has no attention."]


def test_nothing_outside_the_run_is_shown(three: Path) -> None:
    run = read_run(three)
    name = run.results["saliency"]["pictures"][0]["heat"]
    assert shown(run, name, 100_000).address
    assert not shown(run, str(three / name), 100_000).address
    assert not shown(run, f"../{three.name}/{name}", 100_000).address
    assert not shown(run, "results.json", 100_000).address
    assert shown(run, name, 100_000, side=20).width == 20


def test_what_has_no_best_and_no_interval_says_nothing_of_them(tmp_path: Path) -> None:
    folder = fake_saliency.write(tmp_path / "run", ("byol", "swav"), images=1, side=16)
    results = json.loads((folder / "results.json").read_text()) | {"data": []}
    (folder / "results.json").write_text(json.dumps(results))
    page = build([folder]).read_text()
    assert "The best encoder" not in page
    assert "bootstrap intervals" not in page
    assert 'id="leakage"' not in page, "there are no splits"
    assert showing.lines(results)[-1].split()[0] == fake_saliency.RANDOM.split()[0], "no legend below the table"


def test_the_command_names_no_image() -> None:
    config = {"protocols": ["saliency"], "encoder": ["byol"], "data": [], "images": ["smith.png", "jones.png"], "seed": 1}
    assert reproduce.command(RunRecord(Path("x"), config=config)) == "vesalius evaluate saliency --encoder byol --images IMAGES"
