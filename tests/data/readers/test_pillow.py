from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.readers.pillow import decode, upright_pixels


def saved(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


GREY = np.random.default_rng(0).integers(0, 255, (6, 8), dtype=np.uint8)


def test_bytes_come_back_as_they_were() -> None:
    np.testing.assert_array_equal(decode(saved(GREY)).pixels[..., 0], GREY)
    deep = GREY.astype(np.uint16) * 257
    np.testing.assert_array_equal(decode(saved(deep)).pixels[..., 0], deep)


@pytest.mark.parametrize(("data", "kind"), [(saved(GREY)[:60], Kind.TRUNCATED), (b"no picture", Kind.CORRUPT)])
def test_what_cannot_be_read_says_why(data: bytes, kind: Kind) -> None:
    with pytest.raises(Unreadable) as failure:
        decode(data)
    assert failure.value.kind == kind


def test_there_is_no_other_frame() -> None:
    with pytest.raises(Unreadable, match="It has 1 frame, so there is no frame 3"):
        decode(saved(GREY), 3)


def test_alpha_lies_over_black_and_palettes_are_resolved() -> None:
    clear = np.dstack([GREY] * 3 + [np.zeros_like(GREY)])
    assert not upright_pixels(Image.fromarray(clear)).any()
    palette = Image.fromarray(np.dstack([GREY, GREY, 255 - GREY])).convert("P")
    assert upright_pixels(palette).shape == (6, 8, 3)
