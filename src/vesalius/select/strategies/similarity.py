"""``SIMILARITY``: images like those of a query.

exp(-d / s) of the distance d to the nearest image of the query: 1 where an image equals one of it. The scale s is the median of d over the
candidates with d > 0, so that half of these score above exp(-1) = 0.37 whatever the embedding. Of objects, the most similar one of an image counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError
from vesalius.select import nearness
from vesalius.select.candidates import Candidates
from vesalius.select.inputs import embeddings
from vesalius.select.strategy import Fixed, Strategy, StrategyConfig
from vesalius.select.values import Values, Vectors

TAKES: tuple[type[Any], ...] = (Vectors,)


class Config(StrategyConfig):
    """What can be chosen: nothing but the strength. The query is the input's."""


def refuse_input(asked: Any) -> None:
    """Raise UserError, before anything is computed, for embeddings without a query."""
    if isinstance(asked, embeddings.Config) and asked.query is None and asked.dataset_id is None:
        raise _without_query()


def build(config: Config, values: Values, candidates: Candidates) -> Strategy:
    """The strategy over ``values``. Raises UserError without a query."""
    assert isinstance(values, Vectors)
    if values.query is None:
        raise _without_query()
    return Similarity(values, values.query, candidates)


def _without_query() -> UserError:
    return UserError(
        "SIMILARITY needs images to be like. Give its input a query: {names: FILE}, {vectors: FILE}, or dataset_id and tag_name; on the command "
        "line --strategy similarity:query/FILE."
    )


class Similarity(Fixed):
    """Nearness to a query."""

    def __init__(self, values: Vectors, query: NDArray[Any], candidates: Candidates) -> None:
        if values.objects is None:
            assert values.of_images is not None
            distance = nearness.to_nearest(candidates, values.of_images, query)[1]
        else:
            distance = np.full(len(candidates), np.inf, np.float32)
            np.minimum.at(distance, values.objects.owner, nearness.to_nearest(candidates, values.objects.vectors, query)[1])
        self._distance = distance
        apart = distance[np.isfinite(distance) & (distance > 0)]
        scale = float(np.median(apart)) if len(apart) else 1.0
        super().__init__(np.exp(-distance.astype(np.float64) / scale), candidates.free)

    def reason(self, row: int) -> Mapping[str, Any]:
        """How similar it is, and how far from the query."""
        far = float(self._distance[row])
        return {"similarity": float(self._scores[row])} | ({"distance to the query": far} if np.isfinite(far) else {})
