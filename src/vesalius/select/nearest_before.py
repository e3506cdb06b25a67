"""Of each pick the nearest image that was chosen before it, for strategies that do not ask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.select.candidates import Candidates
from vesalius.select.picks import Picks

_BLOCK = 1024
_MOST = 20_000
"""Picks that are told of, since each is compared with all before it."""


def nearest_before(picks: Picks, candidates: Candidates) -> Picks:
    """``picks`` with ``nearest`` and ``distance`` by the candidates' vectors, where no strategy said them; unchanged without vectors."""
    if candidates.vectors is None or not len(picks) or (picks.nearest >= 0).any():
        return picks
    told = picks.rows[:_MOST]
    order = np.concatenate([candidates.chosen, told])
    vectors = np.asarray(candidates.vectors[order], np.float32)
    vectors = vectors - vectors.mean(0)
    lengths = np.einsum("nd,nd->n", vectors, vectors)
    nearest, distance = picks.nearest.copy(), picks.distance.copy()
    for start in range(0, len(told), _BLOCK):
        at = len(candidates.chosen) + np.arange(start, min(start + _BLOCK, len(told)))
        apart = lengths[: at[-1] + 1] - 2 * (vectors[at] @ vectors[: at[-1] + 1].T)
        apart[np.arange(at[-1] + 1)[None] >= at[:, None]] = np.inf  # itself, and those after it
        best = apart.argmin(1)
        known = at > 0
        nearest[start : start + len(at)][known] = order[best[known]]
        distance[start : start + len(at)][known] = _apart(vectors[at[known]], vectors[best[known]])
    return replace(picks, nearest=nearest, distance=distance)


def _apart(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.linalg.norm(first.astype(np.float64) - second.astype(np.float64), axis=1)
    return found
