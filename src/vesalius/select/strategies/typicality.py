"""``TYPICALITY``: images in dense regions, which look like many others and not like mistakes.

Hacohen, Dekel and Weinshall, "Active Learning on a Budget: Opposite Strategies Suit High and Low Budgets", ICML 2022: the inverse of the mean
distance to the nearest neighbours. Here exp(-mean distance), which orders images the same, lies in (0, 1] and can have a threshold; distances
are in units of the vectors' root mean square length, which is 1 where embeddings have unit length.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from vesalius.select import nearness
from vesalius.select.candidates import Candidates
from vesalius.select.strategy import Fixed, Strategy, StrategyConfig
from vesalius.select.values import Values, Vectors

TAKES: tuple[type[Any], ...] = (Vectors,)


class Config(StrategyConfig):
    """What can be chosen."""

    num_nearest_neighbors: int = Field(20, ge=2, description="Neighbours that the mean distance is taken over.")
    stopping_condition_minimum_typicality: float | None = Field(None, gt=0, lt=1, description="Images less typical than this are not chosen.")


def build(config: Config, values: Values, candidates: Candidates) -> Strategy:
    """The strategy over ``values``. Raises UserError for objects."""
    assert isinstance(values, Vectors)
    return Typicality(config, values.whole("TYPICALITY"), candidates)


class Typicality(Fixed):
    """Density among all candidates, chosen ones and those that may not be chosen included."""

    def __init__(self, config: Config, vectors: NDArray[Any], candidates: Candidates) -> None:
        _, distances = nearness.graph(candidates, vectors, config.num_nearest_neighbors)
        mean = distances.mean(1, dtype=np.float64) if distances.shape[1] else np.zeros(len(vectors))
        typical = np.exp(-mean / nearness.unit(vectors))
        least = config.stopping_condition_minimum_typicality
        super().__init__(typical, candidates.free, None if least is None else typical >= least)

    def reason(self, row: int) -> Mapping[str, Any]:
        """How typical it is."""
        return {"typicality": float(self._scores[row])}
