"""Thumbnails: where each lies on the sheet, and what becomes of depth and channels."""

from io import BytesIO

import numpy as np
from PIL import Image

from vesalius.evaluate.sprites import as_picture, sprite


def sheet(*images: np.ndarray, tile: int = 8, columns: int = 2) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(sprite(images, tile, columns))))


def test_images_lie_row_by_row() -> None:
    found = sheet(*(np.full((8, 8, 1), 50 * (i + 1), np.uint8) for i in range(3)))
    assert found.shape == (16, 16, 3)
    assert [int(found[y, x, 0]) for y, x in ((4, 4), (4, 12), (12, 4), (12, 12))] == [50, 100, 150, 0]


def test_the_aspect_is_kept_and_the_rest_is_black() -> None:
    found = sheet(np.full((4, 16, 3), 200, np.uint8), columns=1)
    assert (found[3:5] == 200).all()
    assert (found[:2] == 0).all()
    assert (found[-2:] == 0).all()


def test_small_images_keep_their_pixels() -> None:
    checks = (np.indices((2, 2)).sum(0) % 2 * 255).astype(np.uint8)[..., None]
    assert set(np.unique(sheet(checks, tile=8, columns=1))) == {0, 255}, "no blur where it is enlarged much"


def test_no_image_is_an_empty_sheet() -> None:
    assert sheet().shape == (8, 16, 3)


def test_depth_and_channels() -> None:
    deep = np.full((2, 2, 1), 0x8034, np.uint16)
    assert np.asarray(as_picture(deep)).tolist() == [[[0x80] * 3] * 2] * 2
    two = np.stack([np.full((2, 2), 9), np.full((2, 2), 99)], -1).astype(np.uint8)
    assert np.unique(np.asarray(as_picture(two))).tolist() == [9], "the first channel as grey"
    five = np.arange(5, dtype=np.uint8) * np.ones((2, 2, 1), np.uint8)
    assert np.asarray(as_picture(five))[0, 0].tolist() == [0, 1, 2]
