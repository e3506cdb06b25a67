from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.measures import distances, near_pairs
from vesalius.measures.near_pairs import thinned


def twins(rows: int, dim: int, seed: int = 0, dtype: str = "float32") -> np.ndarray:
    """Groups of vectors near each other."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, dim))[rng.integers(0, rows // 3 + 1, rows)]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return (x + 0.05 * rng.standard_normal((rows, dim)) * rng.random((rows, 1)) / dim**0.5).astype(dtype)


def all_pairs(x: np.ndarray) -> np.ndarray:
    wide = x.astype(np.float64)
    return np.stack([np.sqrt(np.square(wide - row).sum(1)) for row in wide])


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_pairs, "CELLS", 700)
    monkeypatch.setattr(near_pairs, "slices", lambda rows, step=37: distances.slices(rows, step))


@pytest.mark.parametrize(("dim", "dtype"), [(3, "float32"), (48, "float16"), (130, "float32"), (130, "float64")])
@pytest.mark.parametrize("distance", [0.02, 0.05, 0.2])
def test_of_whatever_kind_of_numbers_those_kept_are_those_of_the_definition(dim: int, dtype: str, distance: float) -> None:
    x = twins(200, dim, dtype=dtype)
    kept = np.flatnonzero(thinned(x, distance).kept).tolist()
    assert kept == by_definition(x, distance, [], list(range(200)))
    assert len(kept) < 190


def test_near_duplicates_far_from_the_origin_are_found() -> None:
    x = np.full((40, 300), 7.0, np.float32) + np.random.default_rng(0).standard_normal((40, 300)).astype(np.float32)
    x[30:] = x[:10]
    x[30:, 5] += np.float32(2e-4)
    exact = np.abs(x[30:, 5].astype(np.float64) - x[:10, 5])
    found = thinned(x, 3e-4)
    assert found.of[30:].tolist() == list(range(10))
    np.testing.assert_allclose(found.apart[30:], exact, rtol=1e-12)
    assert thinned(x, float(exact.min())).kept.all()  # at the distance is not nearer


def by_definition(x: np.ndarray, distance: float, stay: list[int], among: list[int]) -> list[int]:
    apart, kept = all_pairs(x), list(stay)
    for row in among:
        if not any(apart[row, other] < distance for other in kept):
            kept.append(row)
    return sorted(kept)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 120), st.integers(0, 2**20), st.floats(0.01, 1.5), st.integers(0, 3))
def test_those_kept_are_those_of_the_definition(rows: int, seed: int, distance: float, stay: int) -> None:
    x, order = twins(rows, 60, seed), np.random.default_rng(seed).permutation(rows)
    before, among = order[:stay], order[stay : rows - rows // 5]
    found = thinned(x, distance, stay=before, among=among)
    assert np.flatnonzero(found.kept).tolist() == by_definition(x, distance, before.tolist(), among.tolist())
    apart = all_pairs(x)
    for row in np.setdiff1d(among, np.flatnonzero(found.kept)):
        assert found.kept[found.of[row]]
        assert found.apart[row] == pytest.approx(apart[row, found.of[row]], abs=1e-12)
        assert found.apart[row] < distance
    rest = np.setdiff1d(np.arange(rows), np.setdiff1d(among, np.flatnonzero(found.kept)))
    assert (found.of[rest] == -1).all()
    assert np.isnan(found.apart[rest]).all()


def test_nothing_to_compare() -> None:
    x = twins(5, 60)
    assert thinned(x, 1.0, among=np.empty(0, np.int64)).kept.sum() == 0
    assert thinned(x[:1], 1.0).kept.all()
