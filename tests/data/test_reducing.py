"""Boxes, channels and sizes of what is stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vesalius.data.outcomes import Decoded, Unreadable
from vesalius.data.reducing import reduced, reduced_size
from vesalius.data.settings import LONGEST, StoreSettings


def _decoded(pixels: Any) -> Decoded:
    return Decoded(pixels, 1 / np.iinfo(pixels.dtype).max)


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 400))
def test_sizes(height: int, width: int, size: int) -> None:
    new = reduced_size(height, width, StoreSettings(size))
    assert new[0] <= height
    assert new[1] <= width
    if min(height, width) <= size and max(height, width) <= LONGEST * size:
        assert new == (height, width)
    elif max(height, width) <= LONGEST * min(height, width):
        assert min(new) == size
    assert max(new) <= max(LONGEST * size, 1)
    factor = max(new) / max(height, width)
    assert abs(min(new) - max(1, min(height, width) * factor)) <= 1, "the aspect ratio is kept"
    assert reduced_size(height, width, StoreSettings("native")) == (height, width)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_reduction_is_anti_aliased(channels: int, dtype: Any) -> None:
    """White noise of deviation 1 reduced 8-fold keeps about 1/8 of it; decimation would keep it all."""
    top = np.iinfo(dtype).max
    noise = np.random.default_rng(0).integers(0, top + 1, (256, 256, channels)).astype(dtype)
    small = reduced(_decoded(noise), None, StoreSettings(32)).pixels / top
    assert small.shape == (channels, 32, 32)
    assert small.std() < 0.25 * (noise / top).std()
    assert small.mean() == pytest.approx((noise / top).mean(), abs=0.01)


def test_sixteen_bits_agree_with_eight() -> None:
    smooth = (np.add.outer(np.arange(90), np.arange(120)) % 200).astype(np.uint8)[..., None]
    eight = reduced(_decoded(smooth), None, StoreSettings(30)).pixels
    sixteen = reduced(_decoded(smooth.astype(np.uint16) * 257), None, StoreSettings(30)).pixels
    assert sixteen.dtype == np.uint16
    assert np.abs(eight.astype(float) - sixteen / 257).max() <= 2, "8 bits are rounded after each axis"


def test_overshoot_is_clipped_not_wrapped() -> None:
    edge = np.zeros((64, 64, 1), np.uint16)
    edge[:, 32:] = 65535
    small = reduced(_decoded(edge), None, StoreSettings(16)).pixels[0]
    assert (np.diff(small.astype(int), axis=1)[:, 6:9] >= 0).all()
    assert small[:, :6].max() < 3000
    assert small[:, 10:].min() > 62000


def test_luma_is_pillows() -> None:
    colour = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    grey = reduced(_decoded(colour), None, StoreSettings(channels=1)).pixels
    assert np.array_equal(grey[0], np.asarray(Image.fromarray(colour).convert("L")))
    deep = reduced(_decoded(colour.astype(np.uint16) * 257), None, StoreSettings(channels=1)).pixels
    assert np.abs(deep[0] / 257 - grey[0]).max() <= 1


@pytest.mark.parametrize(
    ("box", "expected"),
    [((2, 3, 5, 4), (3, 7, 2, 7)), ((2.5, 3.2, 4.1, 3.1), (3, 7, 2, 7)), ((-4, -4, 6, 6), (0, 2, 0, 2)),
     ((25, 15, 99, 99), (15, 20, 25, 30))],
)  # fmt: skip
def test_boxes_are_cut_and_clipped(box: tuple[float, ...], expected: tuple[int, int, int, int]) -> None:
    pixels = np.arange(600, dtype=np.uint16).reshape(20, 30, 1)
    top, bottom, left, right = expected
    cut = reduced(_decoded(pixels), box, StoreSettings()).pixels
    assert np.array_equal(cut[0], pixels[top:bottom, left:right, 0])
    assert cut.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("box", [(30, 0, 5, 5), (0, 20, 5, 5), (-9, 0, 9, 5)])
def test_boxes_beside_the_image(box: tuple[float, ...]) -> None:
    with pytest.raises(Unreadable, match="misses the image of 30 x 20"):
        reduced(_decoded(np.zeros((20, 30, 1), np.uint8)), box, StoreSettings())
