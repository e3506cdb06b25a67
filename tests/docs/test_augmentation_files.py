"""The page on InnerEye's augmentation files is what the table of keys and the recipes say now, and its picture is there."""

from __future__ import annotations

from docs import augmentation_files
from vesalius.views.innereye_keys import KEYS


def test_the_page_is_current() -> None:
    assert augmentation_files.PAGE.read_text() == augmentation_files.text(), "run python -m docs.augmentation_files"


def test_every_key_is_explained() -> None:
    page = augmentation_files.text()
    for key in KEYS:
        assert page.count(f"| `{key.name}` |") == 1, key.name
        assert key.meaning
        assert key.becomes


def test_the_picture_is_there() -> None:
    assert augmentation_files.PICTURE.stat().st_size > 20_000
