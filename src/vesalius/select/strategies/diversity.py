"""``DIVERSITY``: the image farthest from everything chosen (greedy k-centre, Gonzalez 1985; "core-set", Sener and Savarese 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from vesalius.select.candidates import Candidates
from vesalius.select.strategy import Strategy, StrategyConfig
from vesalius.select.values import Values, Vectors

TAKES: tuple[type[Any], ...] = (Vectors,)


class Config(StrategyConfig):
    """What can be chosen. Distances are Euclidean: between 0 and 2 where embeddings have unit length."""

    stopping_condition_minimum_distance: float | None = Field(None, gt=0, description="End before an image is nearer than this to a chosen one.")
    start: Literal["central", "first", "random"] = Field("central", description="The first image: nearest to the mean, first by name, or drawn.")


def build(config: Config, values: Values, candidates: Candidates) -> Strategy:
    """The strategy over ``values``."""
    assert isinstance(values, Vectors)
    return Diversity(config, values, candidates)


class Diversity(Strategy):
    """Distances to the nearest chosen image, kept."""

    def __init__(self, config: Config, values: Vectors, candidates: Candidates) -> None:
        self._config = config
        self._vectors = np.asarray(values.of_images, np.float32)
        self._norms = np.einsum("nd,nd->n", self._vectors, self._vectors)
        self._squared = np.full(len(self._vectors), np.inf, np.float32)
        self._nearest = np.full(len(self._vectors), -1, np.int64)
        for row in candidates.chosen:
            self.add(int(row))
        mean = self._vectors.mean(0)
        self._first = 1 / (1 + self._norms - 2 * self._vectors @ mean + float(mean @ mean))

    def score(self) -> NDArray[Any]:
        """Distance to the nearest chosen image; before there is one, nearness to the mean."""
        return self._first if np.isinf(self._squared[:1]).any() else np.sqrt(np.maximum(self._squared, 0))

    def add(self, row: int) -> None:
        """``row`` was chosen."""
        squared = self._norms + self._norms[row] - 2 * self._vectors @ self._vectors[row]
        nearer = squared < self._squared
        self._squared[nearer], self._nearest[nearer] = squared[nearer], row

    def stop(self, row: int) -> str:
        """Whether ``row`` is too near."""
        least = self._config.stopping_condition_minimum_distance
        near = least is not None and np.isfinite(self._squared[row]) and np.sqrt(max(self._squared[row], 0)) < least
        return f"every further image is nearer than {least} to a chosen one" if near else ""

    def reason(self, row: int) -> Mapping[str, Any]:
        """The nearest chosen image."""
        return {"nearest": int(self._nearest[row]), "distance": float(np.sqrt(max(self._squared[row], 0))) if self._nearest[row] >= 0 else np.nan}
