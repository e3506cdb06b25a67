"""What is foreground, the box around it, and the points drawn in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests import volumes
from vesalius import random
from vesalius.data.volumes.foreground import POINTS, box_around, drawn, foreground, otsu, points_of

MASKS = arrays.arrays(bool, arrays.array_shapes(min_dims=3, max_dims=3, max_side=7))


def _head(seed: int = 0) -> Any:
    return volumes.head(24, seed)[0]


def test_a_number_cuts_as_monai_does() -> None:
    """The tutorial: -57 to 164 HU become 0 to 1, then CropForeground keeps the box of what is above 0."""
    import torch
    from monai.transforms import CropForeground, ScaleIntensityRange

    image = torch.from_numpy(_head() * 2.5 - 1000).float()[None]
    scaled = ScaleIntensityRange(-57, 164, 0.0, 1.0, clip=True)(image)
    crop = CropForeground(allow_smaller=True, return_coords=True)
    _, first, last = crop(scaled)
    mask = foreground(image[0].numpy(), -57.0)
    assert box_around(mask).tolist() == [list(first), list(last)]
    assert np.array_equal(mask, scaled[0].numpy() > 0)
    assert mask.sum() < 0.9 * mask.size, "else the test says little"


def test_not_zero() -> None:
    values = np.zeros((4, 5, 6), np.int16)
    values[1:3, 2, 4] = -7, 9
    assert np.array_equal(foreground(values, "nonzero"), values != 0)


def _slow_otsu(values: Any, steps: int) -> float:
    """Over all pairs of cuts between the steps: the least variance within the three classes."""
    counts, edges = np.histogram(values, steps, (values.min(), values.max()))
    middles = (edges[1:] + edges[:-1]) / 2
    best, found = np.inf, 0.0
    for one in range(1, steps - 1):
        for two in range(one + 1, steps):
            within = 0.0
            for part in (slice(0, one), slice(one, two), slice(two, steps)):
                if n := counts[part].sum():
                    mean = (counts[part] * middles[part]).sum() / n
                    within += (counts[part] * (middles[part] - mean) ** 2).sum()
            if within < best * (1 - 1e-9):
                best, found = within, middles[one - 1]
    return float(found)


@pytest.mark.parametrize("parts", [[(10, 2, 3000), (60, 6, 1000)], [(0, 8, 2500), (300, 10, 700), (800, 30, 800)]])
def test_otsu_parts_the_dark_from_the_rest(parts: list[tuple[float, float, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(*part) for part in parts]).reshape(10, 20, 20)
    dark = parts[0][2]
    threshold = otsu(values)
    assert (values.ravel()[:dark] < threshold).mean() > 0.99
    assert (values.ravel()[dark:] > threshold).mean() > 0.99
    monkeypatch.setattr("vesalius.data.volumes.foreground._STEPS", 32)
    monkeypatch.setattr("vesalius.data.volumes.foreground._MOST", 1 - 1e-9)
    assert otsu(values) == pytest.approx(_slow_otsu(values, 32))
    monkeypatch.undo()
    values[0, 0, 0] = 1e6
    assert abs(otsu(values) - threshold) < np.ptp(values.ravel()[1:]) / 128, "one bright voxel moves nothing"


def test_otsu_keeps_the_skin() -> None:
    image, labels, _ = volumes.head(24)
    assert (foreground(image, "otsu")[labels > 0]).mean() > 0.9
    assert otsu(np.array([0, 1] * 8, np.uint8).reshape(2, 2, 4)) < 1


def test_nothing_above_is_all_foreground() -> None:
    flat = np.full((3, 4, 5), 7.0, np.float32)
    for rule in ("nonzero", "otsu", 100.0):
        assert foreground(flat, rule).all()  # type: ignore[arg-type]
    assert foreground(np.zeros((3, 4, 5), np.uint8), "nonzero").all()


@given(mask=MASKS)
def test_box(mask: Any) -> None:
    if not mask.any():
        with pytest.raises(ValueError, match="empty"):
            box_around(mask)
        return
    at = np.argwhere(mask)
    assert np.array_equal(box_around(mask), [at.min(0), at.max(0) + 1])


@settings(max_examples=60)
@given(mask=MASKS, count=st.integers(1, 40), seed=st.integers(0, 3))
def test_points_lie_in_the_mask_and_differ(mask: Any, count: int, seed: int) -> None:
    found = points_of(mask, random.generator("t", seed), count)
    assert len(found) == min(count, mask.sum())
    assert len(np.unique(found, axis=0)) == len(found)
    assert mask[tuple(found.T)].all()
    assert np.array_equal(found, points_of(mask, random.generator("t", seed), count)), "a function of the generator"


def test_points_are_spread_evenly() -> None:
    mask = np.zeros((40, 40, 40), bool)
    mask[:10] = True
    mask[30:, :20] = True
    found = points_of(mask, random.generator("even"))
    assert len(found) == POINTS
    counts = np.histogramdd(found, (8, 8, 8), [(0, 40)] * 3)[0]
    cells = np.add.reduceat(np.add.reduceat(np.add.reduceat(mask.astype(int), range(0, 40, 5)), range(0, 40, 5), 1), range(0, 40, 5), 2)
    expected = cells / mask.sum() * POINTS
    there = expected > 0
    assert (counts[~there] == 0).all()
    chi = ((counts[there] - expected[there]) ** 2 / expected[there]).sum()
    assert chi < there.sum() + 5 * np.sqrt(2 * there.sum())


def test_no_point_of_an_empty_mask() -> None:
    assert drawn(lambda x: np.zeros((2, 2), bool), np.zeros(3, np.int64), random.generator("none")).shape == (0, 3)
