"""Neighbours among the candidates, found on whatever device there is, with a bar: what several strategies are made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.measures import neighbours
from vesalius.measures.distances import slices
from vesalius.select.candidates import Candidates
from vesalius.training.world import pick_device

_FARTHEST = ("farthest neighbour",)


def graph(candidates: Candidates, vectors: NDArray[Any], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """``(N, k)`` nearest other rows of ``vectors`` and their distances, at most N - 1.

    Of the candidates' own vectors they are found once, as many as the objective that looks farthest wants (``look_as_far_as``).
    """

    def found(most: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        with candidates.terminal.bar("Neighbours") as bar:
            return neighbours.nearest(vectors, most, device=pick_device("auto"), progress=bar)

    if vectors is not candidates.vectors:
        return found(k)
    most = max(k, candidates.once(_FARTHEST, lambda: k))
    rows, distances = candidates.once(("neighbours", str(most)), lambda: found(most))
    return np.ascontiguousarray(rows[:, :k]), np.ascontiguousarray(distances[:, :k])


def look_as_far_as(candidates: Candidates, wanted: Sequence[int]) -> None:
    """Say, before any is asked for, how many neighbours each of several objectives will want."""
    if wanted:
        candidates.once(_FARTHEST, lambda: max(wanted))


def to_nearest(candidates: Candidates, vectors: NDArray[Any], query: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """``(N,)`` the row of ``query`` nearest to each of ``vectors``, and how far."""
    with candidates.terminal.bar("Distances") as bar:
        rows, distances = neighbours.nearest(query, 1, queries=vectors, device=pick_device("auto"), progress=bar)
    return rows[:, 0], distances[:, 0]


def unit(vectors: NDArray[Any]) -> float:
    """Root mean square of the lengths of ``vectors`` (n, d): what distances are measured by, 1 for vectors of unit length. 1 where all are zero."""
    total = sum(float(np.square(np.asarray(vectors[some], np.float32), dtype=np.float64).sum()) for some in slices(len(vectors)))
    return float(np.sqrt(total / max(1, len(vectors)))) or 1.0
