"""``COVERAGE``: images that stand for many others (facility location on the graph of nearest neighbours).

What counts is how like each image of the pool is to the chosen one most like it: exp(-d / mean d) for neighbours, 1 for itself, 0 for all
others. The greedy choice reaches at least 1 - 1/e = 63 % of the best set there is (see ``measures.facility``). Chosen images cover too;
images that may not be chosen are to be covered like all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from vesalius.measures.facility import Cover
from vesalius.select import nearness
from vesalius.select.candidates import Candidates
from vesalius.select.picks import Picks
from vesalius.select.strategy import Progress, Strategy, StrategyConfig
from vesalius.select.values import Values, Vectors

TAKES: tuple[type[Any], ...] = (Vectors,)


class Config(StrategyConfig):
    """What can be chosen."""

    num_nearest_neighbors: int = Field(30, ge=1, description="Neighbours of each image that it can cover.")


def build(config: Config, values: Values, candidates: Candidates) -> Strategy:
    """The strategy over ``values``. Raises UserError for objects."""
    assert isinstance(values, Vectors)
    return Coverage(config, values.whole("COVERAGE"), candidates)


class Coverage(Strategy):
    """What is covered, and what each image would add."""

    def __init__(self, config: Config, vectors: NDArray[Any], candidates: Candidates) -> None:
        self._free = candidates.free
        self._cover = Cover(*nearness.graph(candidates, vectors, config.num_nearest_neighbors))
        for row in candidates.chosen.tolist():
            self._cover.add(row)
        self._gains: NDArray[np.float64] | None = None
        self._told: dict[int, Mapping[str, Any]] = {}

    def score(self) -> NDArray[Any]:
        """By how much the cover would grow, in images."""
        if self._gains is None:
            self._gains = self._cover.gains(np.arange(len(self._free)))
        return self._gains

    def add(self, row: int) -> None:
        """``row`` was chosen."""
        less = self._cover.add(row)
        if self._gains is not None:
            self._gains[less] = self._cover.gains(less)

    def reason(self, row: int) -> Mapping[str, Any]:
        """What it adds, in images, and the share of the pool covered with it."""
        return self._told[row] if row in self._told else self._reason(float(self.score()[row]))

    def alone(self, n: int, progress: Progress) -> Picks | None:
        """The same by a heap of gains known from before."""
        rows, gains = [], []
        for row, gain in self._cover.lazily(self._free):
            rows.append(row)
            gains.append(gain)
            self._told[row] = self._reason(gain)
            progress(len(rows), n)
            if len(rows) == n:
                break
        return Picks.of(rows, gains, stopped="" if len(rows) == n else "every image is chosen")

    def _reason(self, gain: float) -> Mapping[str, Any]:
        return {"gain": gain, "covered": (self._cover.total + gain) / len(self._free)}
