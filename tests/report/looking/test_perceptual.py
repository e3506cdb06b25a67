"""The section of perceptual distances: every network's table, the nearest and farthest pairs, what is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.report import fake_evaluation
from tests.report.looking import fake_distances
from vesalius.report import build
from vesalius.report.evaluations import of
from vesalius.report.looking import perceptual
from vesalius.report.reading import RunRecord, read_run


def parts(run: RunRecord, budget: int = 3_000_000) -> Any:
    (block,) = perceptual.section([run], budget).blocks
    return block.parts


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return read_run(fake_distances.write(tmp_path_factory.mktemp("several") / "run", ("near", "<b>far</b>"), ("a", "b", "c")))


def test_of_several_data_sets_a_table_for_each_network(several: RunRecord) -> None:
    tables = parts(several)["tables"]
    assert [one["title"] for one in tables] == ["Mean of the networks", "AlexNet", "VGG", "SqueezeNet"]
    assert all(one["heads"] == ["Encoder", "a", "b", "c"] for one in tables)
    assert tables[1]["rows"] == [["near", *["0.115"] * 3], ["<b>far</b>", *["0.215"] * 3]]
    assert tables[3]["rows"][0][1] == "0.117"


def test_of_one_data_set_a_column_for_each_network(tmp_path: Path) -> None:
    (table,) = parts(read_run(fake_distances.write(tmp_path / "run")))["tables"]
    assert table["heads"] == ["Encoder", "Mean of the networks", "AlexNet", "VGG", "SqueezeNet"]
    assert table["rows"][1] == ["other", "0.216", "0.215", "0.216", "0.217"]


def test_the_nearest_and_the_farthest_pairs_that_have_pictures(several: RunRecord) -> None:
    found = parts(several)
    assert [one["distance"] for one in found["near"]] == ["0.101", "0.101", "0.101", "0.111"]
    assert [one["distance"] for one in found["far"]] == ["0.211", "0.221", "0.221", "0.221"]
    assert all(one["original"].address and one["made"].address and one["made"].small for one in (*found["near"], *found["far"]))
    assert {one["name"] for one in found["near"]} == {"near"}


def test_few_pairs_are_shown_once(tmp_path: Path) -> None:
    found = parts(read_run(fake_distances.write(tmp_path / "run", ("one",), images=4)))
    assert len(found["near"]) == 3
    assert not found["far"]


def test_the_page_shows_them_escaped_and_an_evaluation_without_them_has_no_section(several: RunRecord, tmp_path: Path) -> None:
    page = build([several.path]).read_text()
    assert "How far reconstructions are from their images" in page
    assert "<b>far" not in page
    assert "2 more files have no counterpart." in page
    assert page.count("data:image/") == 16
    other = fake_evaluation.write(tmp_path / "other", fake_evaluation.results())
    assert "perceptual-distance" not in of(read_run(other))
