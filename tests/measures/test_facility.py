from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.measures import neighbours
from vesalius.measures.facility import Cover


def graph(rows: int, k: int, seed: int, kinds: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return neighbours.nearest(rng.normal(size=(kinds, 3)).astype(np.float32)[rng.integers(0, kinds, rows)], k)


def likeness(found: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """The whole matrix, entry by entry."""
    whole = np.eye(len(found))
    scale = float(distances.mean()) or 1.0
    for i, (row, apart) in enumerate(zip(found, distances)):
        for j, d in zip(row, apart):
            whole[i, j] = whole[j, i] = max(whole[i, j], np.exp(-d / scale))
    return whole


def value(whole: np.ndarray, chosen: list[int]) -> float:
    return float(whole[:, chosen].max(1).sum()) if chosen else 0.0


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(2, 30), k=st.integers(1, 6), seed=st.integers(0, 99), kinds=st.sampled_from([3, 1000]))
def test_gains_are_what_the_whole_matrix_says_and_never_grow(rows: int, k: int, seed: int, kinds: int) -> None:
    found, distances = graph(rows, k, seed, kinds)
    whole, cover = likeness(found, distances), Cover(found, distances)
    chosen: list[int] = []
    before = cover.gains(np.arange(rows))
    for row in np.random.default_rng(seed).permutation(rows)[:8]:
        gains = cover.gains(np.arange(rows))
        assert np.allclose(gains, [value(whole, [*chosen, j]) - value(whole, chosen) for j in range(rows)], atol=1e-5)
        assert (gains <= before).all()
        less = cover.add(int(row))
        chosen.append(int(row))
        assert cover.total == pytest.approx(value(whole, chosen), abs=1e-5)
        after = cover.gains(np.arange(rows))
        assert set(np.flatnonzero(after != gains)) <= set(less.tolist())
        before = gains


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(2, 40), k=st.integers(1, 8), seed=st.integers(0, 99), kinds=st.sampled_from([5, 1000]))
def test_the_lazy_choice_is_the_greedy_one(rows: int, k: int, seed: int, kinds: int) -> None:
    found, distances = graph(rows, k, seed, kinds)
    free = np.random.default_rng(seed).random(rows) < 0.8
    plain, expected, left = Cover(found, distances), [], free.copy()
    while left.any():
        gains = plain.gains(np.arange(rows))
        best = int(np.argmax(np.where(left, gains, -1)))
        expected.append((best, float(gains[best])))
        left[best] = False
        plain.add(best)
    assert list(Cover(found, distances).lazily(free)) == expected


@pytest.mark.parametrize("seed", range(4))
def test_it_reaches_its_bound_of_the_best_of_all_subsets(seed: int) -> None:
    found, distances = graph(14, 3, seed)
    whole = likeness(found, distances)
    for n in (1, 2, 4):
        chosen = [row for _, (row, _) in zip(range(n), Cover(found, distances).lazily(np.ones(14, bool)))]
        best = max(value(whole, list(some)) for some in combinations(range(14), n))
        assert value(whole, chosen) >= (1 - (1 - 1 / n) ** n) * best - 1e-6


def test_vertices_without_neighbours_cover_themselves() -> None:
    alone = Cover(np.zeros((3, 0), np.int32), np.zeros((3, 0), np.float32))
    assert alone.gains(np.arange(3)).tolist() == [1, 1, 1]
    assert [row for row, _ in alone.lazily(np.ones(3, bool))] == [0, 1, 2]
