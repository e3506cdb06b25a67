"""The page of the eighteen transforms is what the code says now, and its picture is there."""

from __future__ import annotations

from docs import invariance_transforms
from vesalius.evaluate.transformed.transforms import TRANSFORMS


def test_the_page_is_current() -> None:
    assert invariance_transforms.PAGE.read_text() == invariance_transforms.text(), "run python -m docs.invariance_transforms"


def test_every_transform_is_explained() -> None:
    page = invariance_transforms.text()
    for name in TRANSFORMS:
        assert 1 <= page.count(f"| `{name}` |") <= 2


def test_the_picture_is_there() -> None:
    assert invariance_transforms.PICTURE.stat().st_size > 50_000
