"""What windows, tables, padding and signs come to, on numbers small enough to check by hand."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset

from tests.trees.dicom import radiograph
from vesalius.data import readers
from vesalius.data.outcomes import Decoded
from vesalius.data.settings import Window


def shown(pixels: Any, window: Window = "file", **tags: Any) -> Decoded:
    array = np.asarray(pixels, np.uint16).reshape(1, -1)
    data = radiograph(array, "x", "1.2", window=False)
    for tag, value in tags.items():
        setattr(data, tag, value)
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    return readers.read(file.getvalue(), window=window)


def levels(found: Decoded) -> NDArray[np.float64]:
    return (found.pixels * found.scale)[0, :, 0]


def table(first: int, *entries: int, bits: int = 16) -> Dataset:
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [len(entries), first, bits], np.array(entries, "<u2").tobytes()
    return item


RAMP = np.arange(0, 4096, 5)


def test_twelve_bits_keep_every_level_they_have() -> None:
    for window in ("file", "percentiles", "none"):
        found = shown(np.arange(4096), window)
        assert found.pixels.dtype == np.uint16
        assert len(np.unique(found.pixels)) >= 4096 * 0.99


def test_none_keeps_the_files_own_integers_and_says_what_they_are_worth() -> None:
    found = shown([0, 7, 4095], "none", RescaleSlope=2, RescaleIntercept=-1000)
    assert found.pixels.ravel().tolist() == [0, 7, 4095]
    assert (found.low, found.high) == (-1000, 2 * 4095 - 1000)


def test_the_files_window_is_the_first_and_linear_as_the_standard_writes_it() -> None:
    found = shown(RAMP, WindowCenter=[2000, 100], WindowWidth=[1001, 10])
    assert np.allclose(levels(found), np.clip((RAMP - 1499.5) / 1000, 0, 1), atol=1e-5)
    assert (found.low, found.high) == (1499.5, 2499.5)
    exact = shown(RAMP, WindowCenter=2000, WindowWidth=1000, VOILUTFunction="LINEAR_EXACT")
    assert np.allclose(levels(exact), np.clip((RAMP - 1500) / 1000, 0, 1), atol=1e-5)
    sigmoid = shown(RAMP, WindowCenter=2000, WindowWidth=1000, VOILUTFunction="SIGMOID")
    assert np.allclose(levels(sigmoid), 1 / (1 + np.exp(-4 * (RAMP - 2000.0) / 1000)), atol=1e-5)


def test_a_window_of_width_one_is_a_step() -> None:
    assert levels(shown([9, 10, 11], WindowCenter=10.5, WindowWidth=1)).tolist() == [0, 0, 1]


def test_a_window_is_in_rescaled_units_and_so_is_the_users() -> None:
    tags = {"RescaleSlope": 2, "RescaleIntercept": -1024}
    found = shown([472, 512, 612, 712], (40.0, 400.0), **tags)  # -80, 0, 200, 400 HU between -160 and 240
    assert levels(found) == pytest.approx([0.2, 0.4, 0.9, 1.0], abs=1e-4)


def test_a_table_goes_before_a_window_and_ends_where_it_ends() -> None:
    found = shown([0, 10, 11, 12, 4000], VOILUTSequence=[table(10, 0, 30000, 65535)], WindowCenter=5, WindowWidth=2)
    assert levels(found) == pytest.approx([0, 0, 30000 / 65535, 1, 1], abs=1e-5)
    eight = shown(RAMP, VOILUTSequence=[table(0, *range(256), bits=8)])  # pydicom's own index of 8 bits would overflow
    assert levels(eight) == pytest.approx(np.clip(RAMP, 0, 255) / 255, abs=1e-5)


def test_a_modality_table_comes_first() -> None:
    found = shown([0, 1, 2, 3], "none", ModalityLUTSequence=[table(1, 100, 200, 1023, bits=10)])
    assert levels(found) == pytest.approx([100 / 1023, 100 / 1023, 200 / 1023, 1], abs=1e-3)


def test_monochrome1_is_inverted_after_the_window() -> None:
    plain = shown(RAMP, WindowCenter=1000, WindowWidth=501)
    found = shown(RAMP, WindowCenter=1000, WindowWidth=501, PhotometricInterpretation="MONOCHROME1")
    assert np.allclose(levels(found), 1 - levels(plain), atol=1e-5)
    assert (found.low, found.high) == (plain.high, plain.low)


def test_percentiles_pass_over_padding_and_outliers_and_padding_is_black() -> None:
    rng = np.random.default_rng(0)
    pixels = np.concatenate([rng.integers(1000, 2000, 5000), np.full(3000, 4095), [0, 3000]])
    for colours in ("MONOCHROME2", "MONOCHROME1"):
        found = shown(pixels, PixelPaddingValue=4095, PhotometricInterpretation=colours)
        assert abs(found.high - found.low) == pytest.approx(990, abs=15)
        assert (levels(found)[5000:8000] == 0).all(), "MONOCHROME1 would show it white"
        assert levels(found)[:5000].std() > 0.25


def test_eight_bits_without_a_window_stay_as_they_are() -> None:
    found = shown([3, 100, 250], BitsStored=8, HighBit=7)
    assert found.pixels.dtype == np.uint8
    assert found.pixels.ravel().tolist() == [3, 100, 250]


@pytest.mark.parametrize(
    "tags", [{"WindowCenter": 60000, "WindowWidth": 10}, {"WindowCenter": 5, "WindowWidth": 0}, {"WindowCenter": 5}]
)
def test_a_window_that_shows_nothing_gives_way_to_percentiles(tags: dict[str, int]) -> None:
    assert "percentiles" in shown(RAMP, **tags).notes[-1]


@pytest.mark.parametrize("window", ["none", "file", "percentiles", (40.0, 400.0)])
def test_constant_images_are_numbers(window: Window) -> None:
    found = shown(np.full(16, 77), window)
    assert np.isfinite(levels(found)).all()
    assert len(np.unique(found.pixels)) == 1


def test_signed_values_and_a_negative_slope() -> None:
    stored = np.array([-2048, -1, 0, 2047], np.int16).view(np.uint16) & 0xFFFF
    found = shown(stored, "none", PixelRepresentation=1)
    assert found.pixels.ravel().tolist() == [0, 2047, 2048, 4095]
    assert (found.low, found.high) == (-2048, 2047)
    falling = shown([0, 4095], "none", RescaleSlope=-1, RescaleIntercept=0)
    assert falling.pixels.ravel().tolist() == [4095, 0]
    assert (falling.low, falling.high) == (-4095, 0)


def test_a_frames_own_window_is_found_in_its_functional_group() -> None:
    data = radiograph(np.stack([RAMP.reshape(1, -1)] * 2).astype(np.uint16), "x", "1.2", window=False)
    groups = []
    for centre in (1000, 3000):
        group, window = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = centre, 1001
        group.FrameVOILUTSequence = [window]
        groups.append(group)
    data.PerFrameFunctionalGroupsSequence = groups
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    for frame, low in ((0, 499.5), (1, 2499.5)):
        assert readers.read(file.getvalue(), frame).low == low
