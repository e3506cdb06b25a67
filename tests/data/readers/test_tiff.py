from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile

from vesalius.data.outcomes import Unreadable
from vesalius.data.readers.tiff import decode

PIXELS = np.random.default_rng(0).integers(0, 65535, (6, 8), dtype=np.uint16)


def saved(pixels: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **options)
    return out.getvalue()


def test_every_page_is_read_by_its_number() -> None:
    data = saved(np.stack([PIXELS, PIXELS // 2]), photometric="minisblack")
    np.testing.assert_array_equal(decode(data).pixels[..., 0], PIXELS)
    found = decode(data, 1)
    np.testing.assert_array_equal(found.pixels[..., 0], PIXELS // 2)
    assert found.frames == 2
    assert "page 1 of 2" in found.notes


def test_white_is_zero_where_the_file_says_so() -> None:
    found = decode(saved(PIXELS, photometric="miniswhite"))
    np.testing.assert_array_equal(found.pixels[..., 0], 65535 - PIXELS)
    assert "white is zero: inverted" in found.notes


def test_a_missing_page_and_a_cut_file_are_refused() -> None:
    with pytest.raises(Unreadable, match="It has 1 page, so there is no page 1"):
        decode(saved(PIXELS), 1)
    with pytest.raises(Unreadable):
        decode(saved(PIXELS)[:-20])
