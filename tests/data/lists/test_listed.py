from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.data.lists.listed import classes_of, path_of, split_of
from vesalius.errors import UserError

FILE = Path("list.json")


def test_parts_are_known_by_what_lists_call_them() -> None:
    assert [split_of(word) for word in ("training", "Validation", "test", "labels")] == ["train", "val", "test", None]


def test_paths_are_written_one_way() -> None:
    assert path_of(r".\a\b.nii", FILE, "training", 0) == ".\\a\\b.nii".replace("\\", "/").removeprefix("./")
    with pytest.raises(UserError, match=r"Entry 3 of 'training' in list.json names no file"):
        path_of("", FILE, "training", 3)


@pytest.mark.parametrize("given", [{"0": "background", "1": "liver"}, {"background": 0, "liver": 1}, ["background", "liver"]])
def test_classes_are_named_either_way_round(given: object) -> None:
    assert classes_of(given, FILE) == ("background", "liver")


@pytest.mark.parametrize("given", ["liver", {"0": "background", "2": "liver"}, {"background": 0, "whole": [1, 2]}, {"background": 0, "ignore": 1}])
def test_labels_that_cannot_be_learnt_are_refused(given: object) -> None:
    with pytest.raises(UserError, match=r"list.json"):
        classes_of(given, FILE)
