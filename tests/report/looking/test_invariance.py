"""The sections of invariances: every encoder by every transform in colours, curves, what the numbers rest on; pairs beside what is none."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.report.looking import fake_invariance
from vesalius.report import build
from vesalius.report.evaluations import of
from vesalius.report.looking import invariance, multiview
from vesalius.report.reading import RunRecord, read_run

BUDGET = 1_000_000


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return read_run(fake_invariance.write(tmp_path_factory.mktemp("invariances") / "run"))


def parts(run: RunRecord) -> Any:
    (block,) = invariance.section([run], BUDGET).blocks
    return block.parts


def test_every_encoder_has_a_coloured_number_for_every_transform(run: RunRecord) -> None:
    found = parts(run)
    assert [table["title"] for table in found["tables"]] == ["Whitened cosine", "Mahalanobis distance", "Centred cosine", "Neighbours kept"]
    first = found["tables"][0]
    assert first["heads"] == ["all", "rotation", "brightness", "horizontal flip"]
    assert [row["name"] for row in first["rows"]] == ["ours", "<b>moco</b>", fake_invariance.RANDOM]
    assert [cell["value"] for cell in first["rows"][0]["cells"]] == ["0.50", "0.50", "0.50", "0.90"]
    assert first["rows"][0]["cells"][3]["interval"] == "0.85 to 0.95"
    inks = {cell["ink"] for row in first["rows"] for cell in row["cells"]}
    assert inks == {"#111", "#fff"}, "legible on dark and on light"
    assert first["rows"][2]["baseline"] is True
    assert found["tables"][3]["rows"][0]["cells"][3]["value"] == "90.0\u00a0%"


def test_curves_of_transforms_with_several_parameters(run: RunRecord) -> None:
    (one,) = parts(run)["curves"]
    rotation, brightness = one["charts"]
    assert (rotation.title, rotation.x_title, rotation.x.log) == ("Rotation", "degrees", False)
    assert dict(rotation.lines[0].points) == pytest.approx({15.0: 0.3, 90.0: 0.6}), "of two parameters at one place the mean"
    assert (brightness.x_title, brightness.x.log) == ("factor", True)
    assert [line.name for line in rotation.lines] == ["ours", "<b>moco</b>", fake_invariance.RANDOM]
    assert rotation.lines[2].colour == "grey"
    assert "ours from 0.3 to 0.6" in rotation.summary


def test_images_against_dimensions_stand_below(run: RunRecord) -> None:
    found = parts(run)
    assert found["estimates"][0] == ["ours", "pneumoniamnist", "138 (few)", "512", "27", "81.5", "0.75"]
    assert found["says"] == {"probes": "100", "neighbours": "10", "chance": "7.0\u00a0%", "nothing": "hue"}
    assert found["sheet"].width == 400


def test_pairs_stand_beside_what_is_none(run: RunRecord) -> None:
    (block,) = multiview.section([run]).blocks
    (one,) = block.parts["sets"]
    assert one["said"] == "60 pairs, frontal and lateral of one study; 3 without a partner are left out."
    assert one["table"].heads == ["Encoder", "Pairs", "No pairs", "AUC"]
    row = one["table"].rows[0]
    assert [text.partition("\n")[0] for text in row.numbers] == ["0.4", "0.05", "0.93"]
    assert [whisker.colour for whisker in row.whiskers] == ["c0", "grey"]
    assert block.parts["others"][0]["heads"] == ["Encoder", "Mahalanobis distance", "Centred cosine", "Neighbours kept"]


def test_the_page_has_both_and_none_of_them_twice(run: RunRecord) -> None:
    page = build([run.path]).read_text()
    section = page[page.index('<section id="invariance"') :]
    section = section[: section.index("</section>")]
    assert "<b>moco" not in section
    assert "Neither is better by itself" in unescape(section)
    assert section.count("<img") == 1
    assert '<section id="multiview-invariance"' in page
    assert '<section id="gradual"' not in page, "its curves stand in its own section"
    assert '<section id="chosen"' not in page
    assert "Whitened cosine, h flip" not in page, "single transforms are in the coloured table alone"


def test_as_the_original_the_page_says_what_its_numbers_are(tmp_path: Path) -> None:
    folder = fake_invariance.write(tmp_path / "run")
    config = folder / "config.yaml"
    config.write_text(config.read_text() + "compat: ssl-medicalimaging\n")
    page = unescape(build([folder]).read_text())
    assert "those that change nothing among them" in page
    assert "these numbers are too low" in page
    assert "other people's images differ" not in page


def test_of_several_data_sets_the_rows_say_which_and_without_any_the_section_says_why(tmp_path: Path) -> None:
    folder = fake_invariance.write(tmp_path / "run", ("ours",), ("a", "b"))
    found = parts(read_run(folder))
    assert [(row["name"], row["data"]) for row in found["tables"][0]["rows"]][:2] == [("ours", "a"), ("ours", "b")]
    assert ([one["name"] for one in found["curves"]], [one["name"] for one in found["more"]]) == (["a"], ["b"])
    results = json.loads((folder / "results.json").read_text())
    results["invariance"]["cells"] = results["multiview_invariance"]["cells"] = []
    (folder / "results.json").write_text(json.dumps(results))
    empty = read_run(folder)
    assert not {"invariance", "multiview-invariance"} & set(of(empty))
    assert "`vesalius evaluate invariance` does" in invariance.section([empty], BUDGET).reason
    assert "`vesalius evaluate multiview-invariance` does" in multiview.section([empty]).reason
