from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.data.lists import plain
from vesalius.errors import UserError


def test_paths_and_mappings_may_stand_side_by_side() -> None:
    content = ["a.nii", {"image": "b.nii", "split": "validation", "subject": "p"}]
    assert plain.fits(content)
    found = plain.read(content, Path("list.json"))
    assert [(e.image, e.split, e.subject) for e in found.entries] == [("a.nii", None, None), ("b.nii", "val", "p")]


def test_an_empty_list_is_none_and_an_entry_without_an_image_is_named() -> None:
    assert not plain.fits([])
    assert not plain.fits({"training": []})
    with pytest.raises(UserError, match="Entry 0"):
        plain.read([{"label": 1}], Path("list.json"))
