"""Of each pick the nearest image that was chosen before it, for strategies that do not ask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vesalius.measures.kcentre import nearest_earlier
from vesalius.select.candidates import Candidates
from vesalius.select.picks import Picks

_MOST = 20_000
"""Picks that are told of, since each is compared with all before it."""


def nearest_before(picks: Picks, candidates: Candidates) -> Picks:
    """``picks`` with ``nearest`` and ``distance`` by the candidates' vectors, where no strategy said them; unchanged without vectors."""
    if candidates.vectors is None or not len(picks) or (picks.nearest >= 0).any():
        return picks
    order = np.concatenate([candidates.chosen, picks.rows[:_MOST]])
    before, place = len(candidates.chosen), np.arange(len(order))
    found, apart = nearest_earlier(candidates.vectors[order], place[:before], place[before:])
    nearest, distance = picks.nearest.copy(), picks.distance.copy()
    nearest[: len(found)] = np.where(found >= 0, order[found], -1)
    distance[: len(found)] = apart
    return replace(picks, nearest=nearest, distance=distance)
