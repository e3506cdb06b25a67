"""What the odd files do not show: bytes and paths, reduced decoding, absent packages, any garbage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.data.images import table_of
from tests.data.odd_files import encoded, gradient, numbers, tiff
from vesalius.data import readers, store
from vesalius.data.outcomes import Decoded, Kind, Unreadable
from vesalius.data.readers.content import Content, content_of
from vesalius.data.readers.depth import to_storable, upright
from vesalius.data.settings import StoreSettings


def test_bytes_and_paths_are_alike(tmp_path: Path) -> None:
    data = encoded(gradient(), "PNG")
    (tmp_path / "a.png").write_bytes(data)
    assert np.array_equal(readers.read_image(data), readers.read_image(tmp_path / "a.png"))
    assert np.array_equal(readers.read_image(str(tmp_path / "a.png")), gradient())


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="folder") as caught:
        readers.read(tmp_path)
    assert caught.value.kind is Kind.NOT_AN_IMAGE


def _photograph() -> Any:
    y, x = np.mgrid[0:900, 0:1200] / 60
    waves = 128 + 60 * np.sin(x) * np.cos(y) + 30 * np.sin(3 * x + y)
    return np.stack([waves, waves[::-1], 255 - waves], -1).astype(np.uint8)


def test_reduced_decoding_of_jpeg_gives_the_same_small_image(tmp_path: Path) -> None:
    photograph = _photograph()
    Image.fromarray(photograph).save(tmp_path / "a.jpg", quality=95)
    fast = readers.read(tmp_path / "a.jpg", enough=64).pixels
    assert 128 <= min(fast.shape[:2]) < 900, "an eighth to a half is decoded, but twice what is stored"
    table = table_of(tmp_path, ["a.jpg", "a.jpg"], boxes=[None, (0, 0, 1200, 900)])
    small = store.build(table, StoreSettings(64), cache=tmp_path / "cache")
    assert small.extents.tolist() == [[64, 85]] * 2
    difference = np.abs(small.array(0).astype(float) - small.array(1))
    assert difference.mean() < 1, "decoded at a fraction, and decoded whole"
    assert difference.max() < 8


def test_a_box_of_the_whole_image_does_not_change_its_neighbour(tmp_path: Path) -> None:
    Image.fromarray(_photograph()).save(tmp_path / "a.jpg", quality=95)
    alone = store.build(table_of(tmp_path, ["a.jpg"]), StoreSettings(64), cache=tmp_path / "one")
    both = table_of(tmp_path, ["a.jpg", "a.jpg"], boxes=[(3, 3, 100, 100), None])
    beside = store.build(both, StoreSettings(64), cache=tmp_path / "two")
    assert alone.digests[0] == beside.digests[1]
    assert np.array_equal(alone.array(0), beside.array(1))


@pytest.mark.parametrize("orientation", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_upright_is_pillows(orientation: int) -> None:
    from PIL import ImageOps

    image = Image.fromarray(gradient())
    image.getexif()[0x0112] = orientation
    assert np.array_equal(upright(gradient(), orientation), np.asarray(ImageOps.exif_transpose(image)))


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=30))
def test_floats_come_back_within_half_a_step(values: list[float]) -> None:
    array = np.array(values, np.float32)[None, :, None]
    stored = to_storable(array)
    back = stored.pixels * stored.scale * (stored.high - stored.low) + stored.low
    assert np.abs(back - array).max() <= (stored.high - stored.low) / 131070 * 1.001 + 1e-9
    assert stored.pixels.dtype == np.uint16


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(Unreadable, match="complex64"):
        to_storable(np.zeros((2, 2, 1), np.complex64))


WHOLE = [
    encoded(numbers(12, 17, 3), "PNG"),
    encoded(gradient(), "JPEG"),
    encoded(numbers(12, 17), "GIF"),
    encoded(numbers(12, 17, 3), "BMP"),
    encoded(numbers(12, 17, 3), "WEBP", lossless=True),
    tiff(numbers(12, 17)),
    encoded(numbers(12, 17, 3), "TIFF", compression="tiff_lzw"),
    b"P5\n4 3\n255\n" + bytes(range(12)),
]


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(WHOLE),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4),
    st.one_of(st.none(), st.integers(0, 2000)),
)
def test_garbage_is_read_or_refused_but_never_a_crash(data: bytes, flips: list[Any], cut: int | None) -> None:
    bad = bytearray(data)
    for place, value in flips:
        bad[place % len(bad)] = value
    bad = bad if cut is None else bad[:cut]
    outcome = _outcome(readers.read, bytes(bad) or b"\0")
    if isinstance(outcome, Decoded):
        assert outcome.pixels.ndim == 3
        assert outcome.pixels.dtype in (np.uint8, np.uint16)
    else:
        assert str(outcome).endswith(".")


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_have_a_content_or_a_reason(data: bytes) -> None:
    outcome = _outcome(content_of, data)
    assert isinstance(outcome, Content) or outcome.kind in (Kind.NOT_AN_IMAGE, Kind.UNSUPPORTED)


def _outcome(function: Any, data: bytes) -> Any:
    try:
        return function(data)
    except Unreadable as refused:
        return refused
