from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from vesalius.figures.canvas import Canvas, fitted, png

GREY = np.random.default_rng(0).integers(0, 255, (6, 8), dtype=np.uint8)


def test_pixels_go_into_the_file_as_they_are() -> None:
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(GREY)))), GREY)
    colour = np.dstack([GREY, GREY, 255 - GREY])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(colour)))), colour)


@pytest.mark.parametrize(("shape", "size"), [((6, 8), (12, 16)), ((8, 6, 1), (16, 12)), ((400, 100, 3), (16, 4)), ((1, 400), (1, 16))])
def test_the_longer_side_is_what_is_asked(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    found = fitted(np.zeros(shape, np.uint8), 16)
    assert found.shape == (*size, 3)


def test_small_pictures_are_enlarged_by_whole_pixels() -> None:
    found = fitted(GREY, 32)
    np.testing.assert_array_equal(found[::4, ::4, 0], GREY)


def test_a_sheet_holds_all_that_is_laid_on_it() -> None:
    canvas = Canvas(13)
    picture = np.zeros((10, 20, 3), np.uint8)
    canvas.lay(picture, 13, 13)
    canvas.lay(picture, 100, 50)
    shown = np.asarray(Image.open(io.BytesIO(canvas.png())))
    assert shown.shape[:2] == (canvas.height, canvas.width) == (60 + 13, 120 + 13)
    assert not shown[13:23, 13:33].any()
    assert (shown[0] == 255).all()
