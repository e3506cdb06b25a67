"""How well a selection stands for all there is: how far the others lie from it, how far its members lie apart, what it is made of.

Distances are Euclidean, of the differences themselves: near-duplicates are as near as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius import random
from vesalius.measures import neighbours as graph
from vesalius.measures.distances import nearest_chosen

Rows = NDArray[np.int64]
_CELLS = 1 << 23
"""Numbers held at a time."""


@dataclass(frozen=True)
class Spread:
    """``cover_radius``: the distance from the farthest row to the chosen one nearest to it; ``mean_nearest``: the mean of those distances.

    ``min_pair``, ``mean_pair``: the least distance between two chosen rows, and the mean distance from each to the nearest other
    (NaN of fewer than two).
    """

    cover_radius: float
    mean_nearest: float
    min_pair: float
    mean_pair: float


def nearest(vectors: NDArray[Any], chosen: Rows) -> tuple[Rows, NDArray[np.float64]]:
    """For each of ``vectors`` (N, D): the row of ``chosen`` (n,) nearest to it (N,), and how far it is (N,)."""
    return nearest_chosen(vectors, chosen)


def neighbours(vectors: NDArray[Any], rows: Rows, k: int) -> tuple[Rows, NDArray[np.float64]]:
    """The ``k`` other members of ``rows`` (M,) nearest to each (M, k), nearest first, and their distances; fewer where there are not so many."""
    which, distances = graph.nearest(vectors[rows], k)
    return rows[which], distances.astype(np.float64)


def spread(vectors: NDArray[Any], chosen: Rows) -> Spread:
    """Measures of ``chosen`` (n,), at least one row, among ``vectors`` (N, D)."""
    _, distance = nearest(vectors, chosen)
    _, apart = neighbours(vectors, chosen, 1)
    lone = apart.shape[1] == 0
    return Spread(
        float(distance.max()), float(distance.mean()), float("nan") if lone else float(apart.min()), float("nan") if lone else float(apart.mean())
    )


def at_random(free: Rows, n: int, repeats: int, seed: int = 0, beside: Rows | None = None) -> list[Rows]:
    """``repeats`` times ``n`` of the rows ``free``, drawn without replacement, each after ``beside``, which is in all of them."""
    given = np.empty(0, np.int64) if beside is None else beside
    return [
        np.concatenate([given, np.sort(random.generator("selection at random", seed, number).choice(free, min(n, len(free)), replace=False))])
        for number in range(repeats)
    ]


def pair_distances(vectors: NDArray[Any], rows: Rows, pairs: int, seed: int = 0) -> NDArray[np.float64]:
    """The distances (p,) of all pairs among ``rows`` of ``vectors`` (n, d) where there are at most ``pairs``, else of so many drawn."""
    n = len(rows)
    if n * (n - 1) // 2 <= pairs:
        first, second = np.triu_indices(n, 1)
    else:
        generator = random.generator("pairs", seed, n)
        first = generator.integers(0, n, pairs)
        second = (first + generator.integers(1, n, pairs)) % n  # never the same row twice
    step = max(1, _CELLS // max(1, vectors.shape[1]))
    found = [
        np.linalg.norm(vectors[rows[first[s : s + step]]].astype(np.float64) - vectors[rows[second[s : s + step]]].astype(np.float64), axis=1)
        for s in range(0, len(first), step)
    ]
    return np.concatenate(found) if found else np.empty(0)


def histogram(groups: Mapping[str, NDArray[np.float64]], bins: int = 40) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Edges (bins + 1,) from 0 to the largest value of all, and each group's shares (bins,) of the same bins."""
    most = max((float(values.max()) for values in groups.values() if len(values)), default=0.0) or 1.0
    edges = np.linspace(0, most, bins + 1)
    return edges, {name: np.histogram(values, edges)[0] / max(1, len(values)) for name, values in groups.items()}


def evenness(counts: NDArray[Any]) -> float:
    """Entropy of the shares of ``counts`` (k,) as a share of the largest there can be: 1 where all are equal, 0 where only one is there."""
    values = np.asarray(counts, np.float64)
    if len(values) < 2 or values.sum() <= 0:
        return float("nan")
    shares = values[values > 0] / values.sum()
    return abs(float(-(shares * np.log(shares)).sum() / np.log(len(values))))


def closest_pairs(rows: Rows, others: Rows, distances: NDArray[np.float64], most: int) -> list[tuple[int, int, float]]:
    """The ``most`` nearest pairs of what ``neighbours`` found, ``others`` and ``distances`` (n, k), each pair once, nearest first."""
    first = np.repeat(rows, others.shape[1])
    second, distance = others.ravel(), distances.ravel()
    found: dict[tuple[int, int], float] = {}
    for at in np.lexsort((second, first, distance)):
        pair = (int(min(first[at], second[at])), int(max(first[at], second[at])))
        found.setdefault(pair, float(distance[at]))
        if len(found) == most:
            break
    return [(*pair, distance) for pair, distance in found.items()]
