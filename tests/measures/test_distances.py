from __future__ import annotations

import numpy as np
import pytest

from vesalius.measures import distances
from vesalius.measures.distances import Centres, Rows, between, cover_radius, nearest_chosen


def cloud(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_nearest_chosen_is_that_of_all_pairs(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "CELLS", 64)
    monkeypatch.setattr(distances, "ROWS", 7)
    x, chosen = cloud(150, 9).astype(dtype), np.array([80, 3, 44, 9])
    apart = np.linalg.norm(x[:, None].astype(np.float64) - x[chosen].astype(np.float64), axis=2)
    rows, found = nearest_chosen(x, chosen)
    np.testing.assert_array_equal(rows, chosen[apart.argmin(1)])
    np.testing.assert_allclose(found, apart.min(1), rtol=1e-12)
    assert cover_radius(x, chosen) == found.max()


def test_of_equally_near_ones_the_first() -> None:
    x = np.array([[0, 0], [1, 0], [-1, 0], [0, 1]], np.float32)
    assert nearest_chosen(x, np.array([2, 1, 3]))[0].tolist() == [2, 1, 2, 3]


def test_near_duplicates_far_from_the_origin() -> None:
    x = np.ones((3, 512), np.float32) * 100
    x[1, 0] += np.float32(1e-4)
    x[2, 0] += np.float32(3e-4)
    found = nearest_chosen(x, np.array([0]))[1]
    np.testing.assert_array_equal(found, x[:, 0].astype(np.float64) - 100)


def test_rounding_stays_within_its_bound() -> None:
    for dim, offset, length in ((3, 0, 1), (512, 0, 1), (2048, 5, 1), (64, 0, 100), (512, 0.3, 1e-3)):
        x = cloud(400, dim) * np.float32(length / dim**0.5) + np.float32(offset)
        rows = Rows(x)
        centres = Centres(rows, np.arange(20))
        found = centres.least(rows.block(slice(0, 400)), rows.lengths)
        exact = np.stack([between(x, np.arange(400), number) for number in range(20)]).min(0)
        assert (np.abs(found.double().numpy() - exact) <= rows.slack(found, rows.lengths).double().numpy()).all()


def test_blocks_in_any_order_and_twice() -> None:
    x = cloud(30, 4)
    rows = Rows(x)
    for numbers in ([3, 4, 5], [9, 2, 2, 7], [], [3, 3, 5]):
        np.testing.assert_allclose(rows.block(np.array(numbers, np.int64)).numpy(), x[numbers] - x.mean(0), atol=1e-6)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="matrix"):
        Rows(np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="Nothing is chosen"):
        nearest_chosen(cloud(3, 2), np.empty(0, np.int64))
