"""What stands beside every table of an evaluation, through the verb: controls, leaks, subgroups, calibration, ties, correlations."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import vesalius
from tests import labelled
from tests.evaluate.judged.test_leaks import table
from vesalius.encoders import build_encoder, save_encoder
from vesalius.errors import UserError
from vesalius.evaluate.judged import beside
from vesalius.evaluate.verb import Evaluated


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beside")
    table = pd.read_csv(labelled.images(folder / "data", count=300))
    table["site"] = ["west" if number // 2 % 2 else "east" for number in range(len(table))]
    table.to_csv(folder / "data" / "table.csv", index=False)
    for name, seed in (("a", 1), ("b", 2), ("c", 3)):
        encoder = build_encoder("resnet18", width=0.0625, stem="small", channels=1, size=(16, 16), seed=seed)
        encoder.card = encoder.card.model_copy(update={"trained_on": "a test"})
        save_encoder(encoder.eval(), folder / name)
    return folder


def run(place: Path, out: Path, protocols: str, encoders: str, **more: object) -> Evaluated:
    fields = {"labels": "ill", "subject": "patient", "replicates": 100, "quiet": True, "split.test": 0.5, **more}
    return vesalius.evaluate(protocols, encoder=[place / one for one in encoders], data=place / "data" / "table.csv", out=out, **fields)


@pytest.fixture(scope="module")
def found(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VESALIUS_CACHE", str(place / "cache"))
        return run(place, tmp_path_factory.mktemp("run") / "out", "knn,linear", "abc", subgroups="site,age", **{"linear.c": 1.0})


def test_every_table_has_its_controls(found: Evaluated) -> None:
    rows = {row["control"]: row for row in found.results["controls"] if row["metric"] == "roc_auc"}
    assert set(rows) == {"majority", "metadata", "lookup", "shuffled labels"}
    assert rows["majority"]["value"] == rows["lookup"]["value"] == 0.5
    assert all(row["data"] == "table" and row["note"] for row in rows.values())
    assert "controls" in set(found.table["table"])


def test_the_leakage_report_says_that_nobody_is_on_both_sides(found: Evaluated) -> None:
    (row,) = found.results["leakage"]
    assert row["subjects_known"] is True
    assert row["test"]["images_of_shared_subjects"] == row["same_pixels"] == 0
    assert row["lookup"] == {"metric": "roc_auc", "value": 0.5, "majority": 0.5}
    assert row["sentences"] == ["No subject and no image of the test part of table is in training or validation."]
    assert not [text for text in found.results["warnings"] if "too good" in text]


def test_a_leak_is_in_the_results_and_in_its_warnings(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(place / "cache"))
    leaky = run(place, tmp_path / "leaky", "knn", "a", allow_leakage=True, **{"split.by": "image"})
    (row,) = leaky.results["leakage"]
    assert row["test"]["share_of_images"] > 0.2
    assert row["lookup"]["value"] != 0.5
    assert any("of people who are in training or validation" in text for text in leaky.results["warnings"])


def test_groups_gaps_and_temperatures_are_in_each_protocols_part(found: Evaluated) -> None:
    part = found.results["linear"]
    groups = {(row["encoder"], row["column"], row["group"]): row for row in part["subgroups"]}
    assert ("a", "site", "east") in groups
    assert ("pixel PCA", "site", "west") in groups
    assert groups["a", "site", "east"]["n"] + groups["a", "site", "west"]["n"] == next(row["n"] for row in part["cells"])
    gap = next(row for row in part["gaps"] if row["encoder"] == "a" and row["column"] == "site")
    assert gap["low"] <= gap["value"] <= gap["high"]
    assert {row["encoder"] for row in part["calibration"]} == {"a", "b", "c", "random init", "pixel PCA"}
    assert all(row["temperature"] > 0 and row["bins"] for row in part["calibration"])


def test_encoders_are_compared_in_pairs_and_protocols_with_each_other(found: Evaluated) -> None:
    part = found.results["knn"]
    assert sum("baseline" not in row for row in part["differences"]) == 3
    assert all(row["p"] <= row["p_holm"] for row in part["differences"])
    assert {row["metric"] for row in part["ties"]} >= {"roc_auc", "accuracy", "ece", "ece_calibrated"}
    (pair,) = found.results["correlations"]
    assert (pair["a"], pair["b"], pair["n"], pair["low"]) == ("knn", "linear", 3, None)
    assert found.results["ranks"] == []
    assert any("the best of 3" in sentence for sentence in found.results["verdict"])


def test_a_column_that_is_not_there_is_refused(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_CACHE", str(place / "cache"))
    with pytest.raises(UserError, match=r"no column|No data set has a column 'sight'.*Did you mean side|site"):
        run(place, tmp_path / "refused", "knn", "a", subgroups="sight")


@pytest.mark.parametrize(("people", "few"), [(3, True), (beside.FEWEST, False)])
def test_a_test_part_of_few_people_is_told(people: int, few: bool) -> None:
    names = [f"p{number // 2}" for number in range(2 * people)]
    split = ["train"] * 4 + ["test"] * len(names)
    told = [f"The test part of x has {people} subjects: intervals of so few say little, however narrow they are."]
    assert beside._few("x", table(["a", "a", "b", "b", *names], split)) == told * few
    assert [text[:32] for text in beside._few("x", table(None, split))] == ["The test part of x has 6 images:"] * few
    assert beside._few("x", table(None, ["test"] * 6)) == [], "nothing is divided"
