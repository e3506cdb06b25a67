from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from vesalius.errors import UserError
from vesalius.evaluate.pairs.measured import Measured, Value
from vesalius.evaluate.pairs.pictures import named
from vesalius.evaluate.perceptual import sought
from vesalius.runs import Run
from vesalius.terminal import Terminal

GREY = Image.new("RGB", (8, 8), (9, 9, 9))


def _save(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    GREY.save(file)
    return file


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two models, two data sets; swav lacks an image, one has no original, one is of another format than its original."""
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    made, originals = tmp_path / "reconstructed_images", tmp_path / "sample_images"
    for name in ("chexpert/patient00001_view1_frontal.jpg", "bach/b001.tif", "bach/b002.png"):
        _save(originals / name)
    for name in ("moco-v2/moco-v2_True_patient00001_view1_frontal.jpg", "moco-v2/moco-v2_True_b001.tif", "moco-v2/moco-v2_True_b002.png"):
        _save(made / name)
    for name in ("swav/swav_True_patient00001_view1_frontal.jpg", "swav/swav_True_b001.png", "swav/swav_True_nobody.png", "swav/other.png"):
        _save(made / name)
    (made / "swav" / "swav_True_notes.txt").write_text("no image")
    return made, originals


def test_the_originals_folders_are_matched_by_name_and_what_is_missing_is_named(tree: tuple[Path, Path]) -> None:
    found = sought.of_tree(*tree)
    assert list(found.cells()) == [("moco-v2", "bach"), ("moco-v2", "chexpert"), ("swav", "bach"), ("swav", "chexpert")]
    assert [one.original.name for one in found.cells()["moco-v2", "bach"]] == ["b001.tif", "b002.png"]
    (one,) = found.cells()["swav", "bach"]
    assert (one.original.name, one.made.name) == ("b001.tif", "swav_True_b001.png")
    assert found.missing == ["swav/swav_True_nobody.png (no original)", "bach/b002.png (not reconstructed by swav)"]
    ids = {one.original: one.id for one in found.made}
    assert len(set(ids.values())) == 3
    assert all(len(one.id) == 16 and ids[one.original] == one.id for one in found.made)
    assert [row["name"] for row in found.encoders] == ["moco-v2", "swav"]


def test_what_an_evaluation_under_compat_named_by_ids_has_its_originals(tree: tuple[Path, Path]) -> None:
    made, originals = tree
    ids = {one.original.name: one.id for one in sought.of_tree(made, originals).made}
    tables = named([str(originals)], Terminal(quiet=True)).values()
    assert ids == {name: f"{number:016x}" for table in tables for name, number in zip(table.frame["uri"], table.ids)}
    _save(made / "byol" / f"byol_True_{ids['b001.tif']}.png")
    (one,) = sought.of_tree(made, originals).cells()["byol", "bach"]
    assert (one.original.name, one.id) == ("b001.tif", ids["b001.tif"])


def test_a_name_in_two_data_sets_is_told_and_not_guessed(tree: tuple[Path, Path]) -> None:
    made, originals = tree
    _save(originals / "amd" / "b002.png")
    missing = sought.of_tree(made, originals).missing
    assert "moco-v2/moco-v2_True_b002.png (an original in each of amd and bach)" in missing


def test_folders_that_hold_nothing_to_compare(tree: tuple[Path, Path], tmp_path: Path) -> None:
    made, originals = tree
    with pytest.raises(UserError, match="There is no folder"):
        sought.of_tree(made, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"No reconstruction in .* has its original"):
        sought.of_tree(tmp_path / "empty", originals)


def test_what_this_evaluation_made_is_read_from_its_cells(tmp_path: Path) -> None:
    rows = [{"id": f"{n:016x}", "layer": "layer4", "seed": 1, "image": f"reconstruction/e/d/{n:016x}.png", "original": f"o{n}.png"} for n in range(2)]
    cell = Measured(values={"feature_error": Value(0.1)}, pictures=rows, scored=(2, 2)).tensors()
    (tmp_path / "reconstruction" / "e").mkdir(parents=True)
    save_file({name: tensor.contiguous() for name, tensor in cell.items()}, tmp_path / "reconstruction" / "e" / "d.safetensors")
    found = sought.of_this(Run(tmp_path), [("absent", "d"), ("e", "d")])
    assert list(found.cells()) == [("e", "d")]
    assert found.made[1].made == tmp_path / rows[1]["image"]
    assert found.made[1].inside == {"image": rows[1]["image"], "original": "o1.png"}
    assert found.made[1].about == {"layer": "layer4", "seed": 1}
    assert torch.equal(cell["text"], Measured.of_tensors(cell).tensors()["text"])


def test_an_earlier_evaluation_by_folder_and_the_latest_that_is_not_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path))
    row = {"encoder": "e", "data": "d", "id": "00ff", "image": "r/e/d/00ff.png", "original": "r/e/d/00ff.original.png"}
    results = {
        "encoders": [{"name": "e", "baseline": False}, {"name": "random init", "baseline": True}],
        "reconstruction": {"pictures": [row], "cells": [{"encoder": "e", "data": "d", "n": 4, "units": 2}]},
    }
    run = Run.create("evaluate", "reconstruction", {})
    with pytest.raises(UserError, match="holds no reconstructions"):
        sought.earlier(str(run.path), None)
    run.write_json("results.json", results)
    (run.path / "reconstruction").mkdir()
    own = Run.create("evaluate", "perceptual-distance", {})
    (own.path / "reconstruction").mkdir()
    assert json.loads((run.path / "results.json").read_text()) == results
    for reference in (str(run.path), "latest"):
        found = sought.earlier(reference, own.path)
        assert [(one.model, one.data, one.id) for one in found.made] == [("e", "d", "00ff")]
        assert found.made[0].made.resolve() == (run.path / "r/e/d/00ff.png").resolve()
        assert not found.made[0].inside
        assert found.baselines == ["random init"]
        assert found.repeated == ["d"]
