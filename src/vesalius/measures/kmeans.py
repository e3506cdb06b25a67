"""k-means of more vectors than memory need hold, and hierarchical k-means whose levels are made even by resampling.

Seeding: Arthur and Vassilvitskii, "k-means++", SODA 2007, in rounds where clusters are many (Bahmani et al., "Scalable k-means++", VLDB 2012).
The hierarchy: Vo et al., "Automatic Data Curation for Self-Supervised Learning: A Clustering-Based Approach", TMLR 2024, written from the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vesalius import random
from vesalius.measures.distances import slices
from vesalius.measures.neighbours import centre, loaded, squared

_ROUNDS = 256
"""Seeds are drawn one by one up to so many, beyond that in so many rounds of several."""
_SAMPLE = 1 << 16
"""Vectors among which seeds are drawn, at least (and at least eight for each cluster)."""
_CELLS = 1 << 21
"""Products held at a time: 8 MB in single precision, so that they stay in a processor's cache until the least of each row is taken."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Clusters:
    """``centres`` (K, D) float32; ``of`` (N,) the cluster of each vector; ``distance`` (N,) float32 to its centre."""

    centres: NDArray[np.float32]
    of: NDArray[np.int64]
    distance: NDArray[np.float32]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """``(K,)`` how many vectors each holds."""
        return np.bincount(self.of, minlength=len(self.centres))


def fit(
    vectors: NDArray[Any],
    k: int,
    *,
    seed: int = 0,
    iterations: int = 20,
    device: torch.device | str = "cpu",
    progress: Progress = lambda done, total: None,
) -> Clusters:
    """Lloyd's k-means of ``vectors`` (N, D), float32 or float16, read block by block where they are a mapped file.

    Ends when no vector changes its cluster, or after ``iterations``. A cluster that loses every vector is put where the vector farthest from its
    centre is. ``k`` is cut to the number of different vectors as far as seeding meets it. The same seed gives the same clusters.
    """
    if not 1 <= k <= len(vectors):
        raise ValueError(f"{k} clusters of {len(vectors)} vectors")
    mean = centre(vectors)
    centres = _seeds(vectors, k, seed, mean)
    found = assigned(vectors, centres, device=device)
    for step in range(iterations):
        centres = _moved(vectors, found)
        before, found = found, assigned(vectors, centres, device=device)
        progress(step + 1, iterations)
        if np.array_equal(before.of, found.of):
            break
    progress(iterations, iterations)
    return found


def assigned(vectors: NDArray[Any], centres: NDArray[np.float32], *, device: torch.device | str = "cpu") -> Clusters:
    """Each of ``vectors`` (n, d) to its nearest of ``centres`` (k, d); of equally near ones the first."""
    mean = np.asarray(centres.mean(0), np.float32)
    of, distance = np.empty(len(vectors), np.int64), np.empty(len(vectors), np.float32)
    targets = loaded(centres, slice(None), mean, device)
    for some in slices(len(vectors), max(1, _CELLS // len(centres))):
        block = loaded(vectors, some, mean, device)
        of[some] = squared(block, targets).argmin(1).cpu().numpy()
        distance[some] = torch.linalg.vector_norm(block - targets[torch.from_numpy(of[some]).to(device)], dim=1).cpu().numpy()
    return Clusters(centres, of, distance)


def _moved(vectors: NDArray[Any], found: Clusters) -> NDArray[np.float32]:
    """The mean of each cluster; empty ones go to the vectors that are farthest from their centres."""
    total = torch.zeros(found.centres.shape, dtype=torch.float64)
    for some in slices(len(vectors)):
        total.index_add_(0, torch.from_numpy(found.of[some]), torch.from_numpy(np.asarray(vectors[some], np.float64)))
    sizes = found.sizes
    centres = (total.numpy() / np.maximum(sizes, 1)[:, None]).astype(np.float32)
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        farthest = np.argsort(-found.distance, kind="stable")[: len(empty)]
        centres[empty] = np.asarray(vectors[np.sort(farthest)], np.float32)
    return centres


def _seeds(vectors: NDArray[Any], k: int, seed: int, mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(k', D)`` of the vectors, k' at most ``k``, each drawn with the square of its distance to those drawn before."""
    draw = random.generator("k-means", seed, len(vectors), k)
    size = min(len(vectors), max(_SAMPLE, 8 * k))
    rows = np.sort(draw.choice(len(vectors), size, replace=False)) if size < len(vectors) else np.arange(size)
    pool = loaded(vectors, rows, mean, "cpu")
    lengths = (pool * pool).sum(1)
    chosen = [int(draw.integers(size))]
    fresh, least = chosen, torch.full((size,), torch.inf)
    while True:
        for some in slices(size, max(1, _CELLS // len(fresh))):
            near = (squared(pool[some], pool[fresh]).amin(1) + lengths[some]).clamp(min=0)
            least[some] = torch.minimum(least[some], near)
        least[fresh] = 0
        weight = np.where(least.numpy() > 1e-5 * lengths.numpy(), least.numpy().astype(np.float64), 0)  # below that it is rounding
        want = min(k - len(chosen), max(1, k // _ROUNDS), int((weight > 0).sum()))
        if want < 1:
            return np.asarray(vectors[rows[np.sort(chosen)]], np.float32)
        fresh = np.sort(draw.choice(size, want, replace=False, p=weight / weight.sum())).tolist()
        chosen += fresh


def hierarchy(
    vectors: NDArray[Any],
    clusters: Sequence[int],
    *,
    seed: int = 0,
    iterations: int = 20,
    resampling: int = 10,
    device: torch.device | str = "cpu",
    progress: Progress = lambda done, total: None,
) -> list[Clusters]:
    """Levels from the lowest (clusters of ``vectors`` (n, d)) to the highest (clusters of the centres below), ``clusters`` of each, falling.

    Resampling: a level's centres are fitted again, ``resampling`` times, to as many vectors of each cluster, those nearest to its centre, so that
    centres spread evenly over where vectors are and not by how many there are (Vo et al. 2024, Algorithm 2).
    """
    levels: list[Clusters] = []
    below: NDArray[Any] = vectors
    steps, done = len(clusters) * (1 + resampling), 0
    for number, k in enumerate(clusters):
        found = fit(below, min(k, len(below)), seed=seed + number, iterations=iterations, device=device)
        progress(done := done + 1, steps)
        each = max(2, len(below) // (2 * len(found.centres)))
        for again in range(resampling):
            rows = _central(found, each)
            other = seed + 1000 * (again + 1) + number
            few = fit(np.asarray(below[rows]), min(len(found.centres), len(rows)), seed=other, iterations=iterations, device=device)
            found = assigned(below, few.centres, device=device)
            progress(done := done + 1, steps)
        levels.append(_without_empty(found))
        below = levels[-1].centres
    return levels


def _central(found: Clusters, each: int) -> NDArray[np.int64]:
    """Rows of the ``each`` vectors nearest to the centre of each cluster."""
    order = np.lexsort((found.distance, found.of))
    first = np.concatenate([[0], np.cumsum(found.sizes)])[found.of[order]]
    return np.sort(order[np.arange(len(order)) - first < each])


def _without_empty(found: Clusters) -> Clusters:
    """Clusters that hold something."""
    held = found.sizes > 0
    return Clusters(found.centres[held], (np.cumsum(held) - 1)[found.of], found.distance)
