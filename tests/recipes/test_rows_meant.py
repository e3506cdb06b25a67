"""Which rows a pretraining learns from and is watched on: task, uncertain and filter of the recipe's data."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes.tiny import tiny
from tests.trees import chexpert, nih
from vesalius.errors import UserError
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.material import Material, load_material
from vesalius.terminal import Terminal


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trees")
    nih.write(folder / "nih", 16, side=16)
    chexpert.write(folder / "cx", 20, side=16)
    return folder


def material(trees: Path, **data: object) -> Material:
    named = {key: value.format(trees) if isinstance(value, str) else value for key, value in data.items()}
    config, _ = load_pretrain({**tiny(""), "data": named})
    return load_material(config, Terminal(quiet=True))


def test_a_filter_holds_for_both_sets_of_one_source(trees: Path) -> None:
    found = material(trees, train="nih-chestxray14@{}/nih", monitor="nih-chestxray14@{}/nih:effusion", filter="PA")
    assert found.examined is not None
    assert set(found.train.table.frame["view"]) == set(found.examined.table.frame["view"]) == {"PA"}
    assert set(found.train.table.frame["split"].iloc[found.train.table_rows(found.rows)]) == {"train"}, "not the official test images"


def test_another_source_keeps_its_own_unless_it_is_said(trees: Path) -> None:
    both = {"train": "nih-chestxray14@{}/nih", "monitor": "chexpert@{}/cx", "filter": "PA", "task": "five"}
    found = material(trees, **both)
    assert found.examined is not None
    assert set(found.examined.table.frame["view"]) == {"frontal"}
    assert found.examined.table.require_task().name == "five"
    found = material(trees, **both, monitor_filter="all")
    assert found.examined is not None
    assert set(found.examined.table.frame["view"]) == {"frontal", "lateral"}


@pytest.mark.parametrize(("uncertain", "fraction"), [("ignore", False), ("soft", True), ({"edema": "soft"}, True)])
def test_soft_targets_are_in_the_training_part_alone(trees: Path, uncertain: object, fraction: bool) -> None:
    found = material(trees, train="chexpert@{}/cx", monitor="chexpert@{}/cx", task="edema", uncertain=uncertain, split={"val": 0.3, "seed": 3})
    assert found.examined is not None
    table = found.examined.table
    values = {part: table.labels("Edema")[table.rows(part)] for part in ("train", "val", "test")}
    between = {part: bool(((v > 0) & (v < 1)).any()) for part, v in values.items()}
    assert between == {"train": fraction, "val": False, "test": False}


def test_what_is_never_uncertain_has_no_policy(trees: Path) -> None:
    with pytest.raises(UserError, match="No label of nih-chestxray14 can be uncertain"):
        material(trees, train="nih-chestxray14@{}/nih", monitor="nih-chestxray14@{}/nih", uncertain="ones")
