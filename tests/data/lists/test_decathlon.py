from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.data.lists import decathlon
from vesalius.errors import UserError

FILE = Path("dataset.json")


def test_parts_become_splits_and_labels_masks() -> None:
    content = {"training": [{"image": "./a.nii", "label": "./la.nii"}], "test": ["./b.nii"], "labels": {"0": "none", "1": "organ"}, "name": "x"}
    assert decathlon.fits(content)
    found = decathlon.read(content, FILE)
    assert [(e.image, e.mask, e.split) for e in found.entries] == [("a.nii", "la.nii", "train"), ("b.nii", None, "test")]
    assert found.classes == ("none", "organ")


def test_a_person_and_a_number_are_kept() -> None:
    (entry,) = decathlon.entries_of([{"image": "a.nii", "label": 2, "patient": "p7"}], FILE, "training", "train")
    assert (entry.label, entry.mask, entry.subject) == (2, None, "p7")


@pytest.mark.parametrize("given", [{"label": "a.nii"}, {"image": ["a.nii", "b.nii"], "label": "l.nii"}, {"image": "a.nii", "label": {"x": 1}}])
def test_an_entry_that_cannot_be_used_is_named(given: object) -> None:
    with pytest.raises(UserError, match=r"Entry 0 of 'training' in dataset.json"):
        list(decathlon.entries_of([given], FILE, "training", "train"))


def test_other_forms_do_not_fit() -> None:
    assert not decathlon.fits([1])
    assert not decathlon.fits({"training": {"a": 1}})
