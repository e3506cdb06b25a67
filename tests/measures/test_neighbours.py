from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.measures import neighbours


def brute(base: np.ndarray, queries: np.ndarray | None, k: int) -> tuple[np.ndarray, np.ndarray]:
    """By double precision, one by one; ties by row."""
    own, queries = queries is None, base if queries is None else queries
    apart = np.sqrt(((queries[:, None].astype(np.float64) - base[None].astype(np.float64)) ** 2).sum(2))
    if own:
        np.fill_diagonal(apart, np.inf)
    order = np.argsort(apart, 1, kind="stable")[:, :k]
    return order, np.take_along_axis(apart, order, 1)


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(2, 40), dim=st.integers(1, 5), k=st.integers(1, 50), kinds=st.integers(1, 40), seed=st.integers(0, 99))
def test_distances_are_those_of_brute_force(rows: int, dim: int, k: int, kinds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(kinds, dim)).astype(np.float32)[rng.integers(kinds, size=rows)]  # with duplicates
    found, apart = neighbours.nearest(base, k)
    k = min(k, rows - 1)
    assert found.shape == apart.shape == (rows, k)
    assert np.allclose(apart, brute(base, None, k)[1], atol=1e-6)
    assert np.allclose(np.linalg.norm(base[found] - base[:, None], axis=2), apart, atol=1e-6)
    assert (found != np.arange(rows)[:, None]).all()
    assert all(len(set(row)) == k for row in found)


def test_the_same_as_scikit_learn_over_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.neighbors import NearestNeighbors

    monkeypatch.setattr(neighbours, "_BLOCK", 130)
    monkeypatch.setattr(neighbours, "_ROWS", 50)
    rng = np.random.default_rng(0)
    base, queries = rng.normal(size=(900, 16)).astype(np.float32), rng.normal(size=(130, 16)).astype(np.float32)
    told: list[tuple[int, int]] = []
    for ours, theirs in (
        (neighbours.nearest(base, 7, progress=lambda done, total: told.append((done, total))), NearestNeighbors(n_neighbors=7).fit(base).kneighbors()),
        (neighbours.nearest(base, 7, queries=queries), NearestNeighbors(n_neighbors=7).fit(base).kneighbors(queries)),
    ):
        assert np.array_equal(ours[0], theirs[1])
        assert np.allclose(ours[1], theirs[0], atol=1e-6)
    assert told == sorted(told)
    assert told[-1] == (900, 900)
    assert len(told) > 7


def test_near_duplicates_far_from_the_origin_keep_their_distances() -> None:
    rng = np.random.default_rng(1)
    base = (rng.normal(size=(300, 8)) + 100).astype(np.float32)
    base[150:] = base[:150] + np.float32(1e-3)
    found, apart = neighbours.nearest(base, 1)
    assert np.array_equal(found[:150, 0], np.arange(150, 300))
    assert np.allclose(apart[:, 0], np.linalg.norm(base[:150] - base[150:], axis=1)[np.arange(300) % 150], rtol=1e-3)


def test_equal_vectors_are_at_zero_and_the_first_stands_first() -> None:
    base = np.ones((6, 3), np.float32)
    found, apart = neighbours.nearest(base, 3)
    assert (apart == 0).all()
    assert found.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2], [0, 1, 2]]


def test_a_mapped_file_of_half_precision_is_what_it_says(tmp_path: Path) -> None:
    half = np.random.default_rng(2).normal(size=(200, 12)).astype(np.float16)
    np.save(tmp_path / "v.npy", half)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    found, apart = neighbours.nearest(mapped, 5)
    assert np.array_equal(found, brute(half, None, 5)[0])
    assert apart.dtype == np.float32


def test_what_cannot_be_asked() -> None:
    one = np.ones((1, 2), np.float32)
    assert neighbours.nearest(one, 3)[0].shape == (1, 0)
    assert neighbours.nearest(one, 3, queries=one)[1].tolist() == [[0.0]]
    assert neighbours.nearest(one, 3, queries=one[:0])[0].shape == (0, 1)
    with pytest.raises(ValueError, match="compared"):
        neighbours.nearest(one, 1, queries=np.ones((1, 3), np.float32))
    with pytest.raises(ValueError, match="at least 1"):
        neighbours.nearest(one, 0)
