"""The parts of a selection's results: against what they are by definition, without a file's name anywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import cdist, pdist

from tests.select.made_selection import CLASSES, Made, made, results, run_of, shortened
from vesalius.runs import Run
from vesalius.select.candidates import Objects
from vesalius.select.described import balance as balance_module
from vesalius.select.described.probe import Tested
from vesalius.select.describing import Asked, describe
from vesalius.select.values import Classes


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def run(one: Made, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(one, tmp_path_factory.mktemp("runs") / "run")


def _scratch(folder: Path) -> Run:
    return Run.create("select", "again", {}, folder / "again")


def test_quality_is_that_of_all_distances_beside_twenty_random_selections(one: Made, run: Run) -> None:
    vectors, rows = one.selected.candidates.vectors.astype(float), one.selected.picks.rows
    found = results(run)["quality"]
    away = cdist(vectors, vectors[rows]).min(1)
    for name, value in (("cover_radius", away.max()), ("mean_nearest", away.mean()), ("min_pair", pdist(vectors[rows]).min())):
        assert found[name]["selection"] == pytest.approx(value, rel=1e-5)
        assert found[name]["random"]["least"] <= found[name]["random"]["mean"] <= found[name]["random"]["greatest"]
    assert found["seeds"] == 20
    assert found["cover_radius"]["selection"] < found["cover_radius"]["random"]["least"]  # farthest first


def test_objects_are_covered_by_those_in_selected_images(one: Made, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    objects = Objects(rng.normal(size=(400, 5)).astype(np.float32), np.sort(rng.integers(0, 160, 400)))
    seen = replace(one.selected, candidates=replace(one.selected.candidates, vectors=None, objects={"cells": objects}), map=None)
    found = describe(seen, _scratch(tmp_path), None)["quality"]["objects"]["cells"]
    inside = np.isin(objects.owner, one.selected.picks.rows)
    away = cdist(objects.vectors.astype(float), objects.vectors[inside].astype(float)).min(1)
    assert found["cover_radius"]["selection"] == pytest.approx(away.max(), rel=1e-5)
    assert found["mean_nearest"]["selection"] == pytest.approx(away.mean(), rel=1e-5)
    assert found["cover_radius"]["random"]["least"] <= found["cover_radius"]["random"]["greatest"]


def test_histograms_share_bins_and_count_everything(run: Run) -> None:
    for part in results(run)["distances"].values():
        assert len({len(shares) for shares in part["shares"].values()}) == 1
        for shares in part["shares"].values():
            assert sum(shares) == pytest.approx(1, abs=1e-3)
    assert results(run)["distances"]["pairs"]["counted"]["selection"] == 24 * 23 // 2


def test_balance_counts_labels_and_what_the_inputs_read(one: Made, run: Run) -> None:
    label, numbers, objects = results(run)["balance"]
    known = next(iter(one.selected.labels.values()))
    assert {c["name"] for c in label["classes"]} == {name.replace(" ", "-") for name in CLASSES}
    assert sum(c["pool"] for c in label["classes"]) == 160
    names = next(iter(one.selected.class_names.values()))
    for c in label["classes"]:
        assert c["selection"] == (known[one.selected.picks.rows] == list(names).index(c["name"])).sum()
    assert 0 < label["evenness"]["pool"] < 1
    assert numbers["kind"] == "numbers"
    assert sum(numbers["shares"]["selection"]) == pytest.approx(1, abs=1e-3)
    assert objects["classes"][0]["pool"] == pytest.approx((np.arange(160) % 5).sum())


def test_a_label_that_is_balanced_too_is_told_of_once(one: Made) -> None:
    (name, known), names = next(iter(one.selected.labels.items())), list(next(iter(one.selected.class_names.values())))
    again = Classes(names, (known[:, None] == np.arange(len(names))[None]).astype(np.float64), "metadata kind")
    other = Classes(names[::-1], again.amounts, "metadata other")
    rows = balance_module.balance(one.selected, [again, other], [np.arange(24)])
    assert [row["title"] for row in rows][:1] == [f"label {name}"]
    assert "metadata kind" not in [row["title"] for row in rows]
    assert "metadata other" in [row["title"] for row in rows]


def test_labels_of_very_many_classes_are_counted_without_a_column_for_each(one: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    known = np.arange(160.0) % 70
    monkeypatch.setattr(balance_module, "_CELLS", 100)
    many = replace(one.selected, labels={"many": known}, class_names={"many": [f"kind {n}" for n in range(70)]})
    (row,) = balance_module.balance(many, (), [np.arange(24)])
    assert sum(c["pool"] for c in row["classes"]) == 160
    assert sum(c["selection"] for c in row["classes"]) == 24
    assert {"kind 3", "all further"} <= {c["name"] for c in row["classes"]}


def test_twins_are_the_nearest_pair(one: Made, run: Run) -> None:
    first = results(run)["pairs"]["pool"][0]
    ids = one.selected.candidates.frame["id"].to_numpy(np.uint64)
    assert {first["first"]["id"], first["second"]["id"]} == {f"{int(ids[7]):016x}", f"{int(ids[9]):016x}"}


def test_every_pick_has_its_picture_its_reason_and_its_nearest(one: Made, run: Run) -> None:
    found = results(run)["picks"]
    assert [pick["order"] for pick in found] == list(range(1, 25))
    kept = json.loads((run.path / "selected" / "examples.json").read_text())
    assert all(kept["items"][pick["item"]]["id"] == pick["id"] for pick in found)
    assert all(kept["items"][pick["nearest_item"]]["id"] == pick["nearest"] for pick in found[1:])
    assert found[1]["reasons"]["diversity"]["gain"] == pytest.approx(found[1]["gain"], abs=1e-3)
    assert Image.open(run.path / "selected" / "sprite.png").width == 40 * kept["tile"]


def test_the_map_marks_what_is_selected(run: Run) -> None:
    items = json.loads((run.path / "examples" / "examples.json").read_text())["items"]
    assert len(items) == 160
    assert sorted(item["order"] for item in items if item["order"]) == list(range(1, 25))


def test_the_probe_is_tested_on_images_no_probe_has_seen(one: Made, run: Run) -> None:
    found = results(run)["probe"]
    row = found["rows"][-2]
    assert (row["metric"], row["labels"], row["seeds"], row["n"]) == ("accuracy", 24, 20, (160 - 24) // 3)
    assert row["low"] <= row["value"] <= row["high"]
    assert row["value"] > 0.6


def test_a_test_split_is_tested_on_where_there_is_one(one: Made, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 90).astype(float)
    tested = Tested((rng.normal(size=(90, 8)) * 0.35 + 1.5 * np.eye(8)[labels.astype(int)]).astype(np.float32), labels)
    found = describe(one.selected, _scratch(tmp_path), None, Asked(tested=tested))
    assert "test split" in found["probe"]["tested_on"]
    assert {row["n"] for row in found["probe"]["rows"]} == {90}
    assert not (tmp_path / "again" / "selected").exists()  # no pixels, no pictures


def test_a_test_split_too_small_to_say_anything_is_not_taken(one: Made, tmp_path: Path) -> None:
    tested = Tested(np.zeros((90, 8), np.float32), np.full(90, np.nan))
    found = describe(one.selected, _scratch(tmp_path), None, Asked(tested=tested))
    assert "set aside" in found["probe"]["tested_on"]


def test_nothing_names_a_file(run: Run) -> None:
    for file in run.path.rglob("*"):
        assert not file.is_file() or b"secret-name" not in file.read_bytes()


def test_the_same_seed_describes_alike(one: Made, run: Run, tmp_path: Path) -> None:
    again = describe(one.selected, _scratch(tmp_path), None, Asked())
    assert json.dumps(again["quality"]) == json.dumps(results(run)["quality"])
    assert json.dumps(again["probe"]) == json.dumps(results(run)["probe"])


def test_few_none_and_no_vectors_say_so(one: Made, tmp_path: Path) -> None:
    single = describe(shortened(one, 1).selected, _scratch(tmp_path), one.data, None)
    assert np.isnan(single["quality"]["min_pair"]["selection"])
    assert "absent" in single["probe"]
    none = describe(shortened(one, 0).selected, _scratch(tmp_path / "b"), one.data, None)
    assert none["quality"] == {}
    assert none["picks"] == []
    blind = replace(one.selected, candidates=replace(one.selected.candidates, vectors=None), map=None)
    found = describe(blind, _scratch(tmp_path / "c"), one.data, None)
    assert found["quality"] == {}
    assert "no embeddings" in found["probe"]["absent"]
    assert len(found["picks"]) == 24
    assert found["balance"][0]["kind"] == "classes"
