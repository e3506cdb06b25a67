"""``DIVERSITY``: the image farthest from everything chosen (greedy k-centre, Gonzalez 1985; "core-set", Sener and Savarese, ICLR 2018).

Of objects it is the mean, over an image's objects, of their distances to the nearest object of a chosen image; with an image all its objects are
chosen. An image without objects says nothing: its score is 0, so that it comes after all that have some.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from vesalius.measures.kcentre import central, farthest_first
from vesalius.measures.nearest_centre import NearestCentre
from vesalius.random import digest64
from vesalius.select.candidates import Candidates, Objects
from vesalius.select.picks import Picks
from vesalius.select.strategy import Progress, Strategy, StrategyConfig
from vesalius.select.values import Values, Vectors
from vesalius.training.world import pick_device

TAKES: tuple[type[Any], ...] = (Vectors,)
Start = Literal["central", "first", "random"]


class Config(StrategyConfig):
    """What can be chosen. Distances are Euclidean: between 0 and 2 where embeddings have unit length."""

    stopping_condition_minimum_distance: float | None = Field(None, gt=0, description="End before an image is nearer than this to a chosen one.")
    start: Start = Field("central", description="The first image: nearest to the mean, first by name, or drawn. Where images were chosen before, these count.")


def build(config: Config, values: Values, candidates: Candidates) -> Strategy:
    """The strategy over ``values``."""
    assert isinstance(values, Vectors)
    if values.objects is not None:
        return ObjectDiversity(config, values.objects, candidates)
    return Diversity(config, values.whole("DIVERSITY"), candidates)


class _Farthest(Strategy):
    """What both kinds share: the distance at which to end, and the first image."""

    def __init__(self, config: Config, candidates: Candidates) -> None:
        self._config, self._candidates = config, candidates

    def _drawn(self) -> NDArray[np.float64]:
        """``(N,)`` in (0, 1], by which the first is chosen where it is not the central one."""
        if self._config.start == "first":
            return np.arange(len(self._candidates), 0, -1) / max(1, len(self._candidates))
        drawn = np.asarray([digest64("diversity", self._candidates.seed, str(name)) for name in self._candidates.names], np.uint64)
        return (drawn.astype(np.float64) + 0.5) / 2.0**64

    def _too_near(self, distance: float) -> str:
        least = self._config.stopping_condition_minimum_distance
        return f"every further image is nearer than {least:g} to a chosen one" if least is not None and distance < least else ""


class Diversity(_Farthest):
    """Of whole images."""

    def __init__(self, config: Config, vectors: NDArray[Any], candidates: Candidates) -> None:
        super().__init__(config, candidates)
        self._vectors, self._free = vectors, candidates.free
        self._state: NearestCentre | None = None
        self._told: dict[int, Mapping[str, Any]] = {}

    @property
    def _kept(self) -> NearestCentre:
        """Distances of all images, which are not needed where this is the only objective."""
        if self._state is None:
            self._state = NearestCentre(self._vectors, pick_device("auto"))
            self._state.add(self._candidates.chosen)
        return self._state

    def score(self) -> NDArray[Any]:
        """Distance to the nearest chosen image; before there is one, the larger the better a start."""
        if len(self._kept):
            apart: NDArray[np.float64] = np.sqrt(self._kept.squared)
            return apart
        if self._config.start != "central":
            return self._drawn()
        score: NDArray[np.float64] = 1 / (1 + self._kept.central())
        score[central(self._vectors, self._free)] = 1  # what rounding cannot tell apart
        return score

    def add(self, row: int) -> None:
        """``row`` was chosen."""
        self._kept.add(np.asarray([row]))

    def stop(self, row: int) -> str:
        """Whether ``row`` is too near to a chosen image."""
        if self._config.stopping_condition_minimum_distance is None or not len(self._kept):
            return ""
        return self._too_near(float(self._kept.settled(np.asarray([row]))[1][0]))

    def reason(self, row: int) -> Mapping[str, Any]:
        """The nearest chosen image, and how far it is."""
        if row in self._told:
            return self._told[row]
        if not len(self._kept):
            return {}
        nearest, distance = self._kept.settled(np.asarray([row]))
        return {"nearest": int(nearest[0]), "distance": float(distance[0])}

    def narrowed(self, free: NDArray[np.bool_]) -> bool:
        """Rows beside which no other may be chosen."""
        self._free = free
        return True

    def alone(self, n: int, progress: Progress) -> Picks:
        """The same images without measuring all of them to each."""
        free, start = self._free, None
        if not len(self._candidates.chosen) and self._config.start != "central" and free.any():
            start = int(np.argmax(np.where(free, self._drawn(), -1)))
        least = self._config.stopping_condition_minimum_distance or 0.0
        found = farthest_first(
            self._vectors, n, start=start, chosen=self._candidates.chosen, allowed=free, least=least, device=pick_device("auto"), progress=progress
        )
        gain = np.where(np.isnan(found.distance), 1.0, found.distance)
        told = zip(found.rows.tolist(), found.nearest.tolist(), found.distance.tolist(), strict=True)
        self._told = {row: {"nearest": near, "distance": far} if near >= 0 else {} for row, near, far in told}
        stopped = "" if len(found.rows) == n else self._too_near(found.radius) if len(found.rows) < free.sum() else "every image is chosen"
        return Picks.of(found.rows, gain, nearest=found.nearest, distance=found.distance, stopped=stopped)


class ObjectDiversity(_Farthest):
    """Of the objects of images."""

    def __init__(self, config: Config, objects: Objects, candidates: Candidates) -> None:
        super().__init__(config, candidates)
        order = np.argsort(objects.owner, kind="stable")
        bounds = np.searchsorted(objects.owner[order], np.arange(len(candidates) + 1))
        self._of = [order[first:last] for first, last in pairwise(bounds)]
        self._owner, self._count = objects.owner, np.diff(bounds)
        self._kept = NearestCentre(objects.vectors, pick_device("auto"))
        for row in candidates.chosen.tolist():
            self.add(row)

    def _mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """``(N,)`` mean over each image's objects, NaN without any."""
        total = np.bincount(self._owner, values, minlength=len(self._count))
        mean: NDArray[np.float64] = np.divide(total, self._count, out=np.full(len(total), np.nan), where=self._count > 0)
        return mean

    def score(self) -> NDArray[Any]:
        """Mean distance of an image's objects to the nearest object chosen; before there is one, the larger the better a start. 0 without objects."""
        if len(self._kept):
            return np.nan_to_num(self._mean(np.sqrt(self._kept.squared)))
        if self._config.start == "central":
            return np.nan_to_num(1 / (1 + self._mean(self._kept.central())))
        return np.where(self._count > 0, self._drawn(), 0)

    def add(self, row: int) -> None:
        """All objects of ``row`` were chosen."""
        self._kept.add(self._of[row])

    def stop(self, row: int) -> str:
        """Whether the objects of ``row`` are too near to chosen ones, or it has none."""
        return self._too_near(float(self.score()[row])) if len(self._kept) else ""

    def reason(self, row: int) -> Mapping[str, Any]:
        """How many objects, their mean distance to chosen ones, and the chosen image with the object nearest to one of them."""
        objects: dict[str, Any] = {"objects": int(self._count[row])}
        if not len(self._kept) or not self._count[row]:
            return objects
        nearest, distance = self._kept.settled(self._of[row])
        first = int(np.argmin(distance))
        return objects | {"mean distance": float(distance.mean()), "nearest": int(self._owner[nearest[first]]), "distance": float(distance[first])}
