"""``TARGET_RANGE``: the sum of a number over everything chosen stays within bounds: seconds of labelling, objects, megabytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from vesalius.errors import UserError
from vesalius.select.candidates import Candidates
from vesalius.select.numeric import added_up, at_most, numbers_of, positive
from vesalius.select.strategy import Strategy, StrategyConfig
from vesalius.select.values import Numbers, Values

TAKES: tuple[type[Any], ...] = (Numbers,)


class Config(StrategyConfig):
    """What can be chosen: at least one of the two bounds. Preselected images count."""

    min_sum: float | None = Field(None, allow_inf_nan=False, description="Until the sum is this large, images with large numbers are preferred.")
    max_sum: float | None = Field(None, allow_inf_nan=False, description="An image with which the sum would be larger is not chosen.")

    @model_validator(mode="after")
    def _bounds(self) -> Config:
        if self.min_sum is None and self.max_sum is None:
            raise ValueError("give min_sum, max_sum or both")
        if self.min_sum is not None and self.max_sum is not None and self.min_sum > self.max_sum:
            raise ValueError(f"min_sum {self.min_sum:g} is larger than max_sum {self.max_sum:g}")
        return self


def build(config: Config, values: Values, candidates: Candidates) -> Strategy:
    """The strategy over ``values``. Raises UserError for classes, and where all images together do not reach ``min_sum``."""
    numbers = numbers_of(values, "TARGET_RANGE")
    known = added_up(numbers)
    reachable = float(known[candidates.chosen].sum() + np.maximum(known, 0)[candidates.free].sum())
    if config.min_sum is not None and not at_most(-reachable, -config.min_sum):
        raise UserError(f"TARGET_RANGE of {numbers.title}: all images together reach {reachable:g}, less than min_sum {config.min_sum:g}. Ask for less.")
    return TargetRange(config, numbers, candidates)


class TargetRange(Strategy):
    """A sum. An image without a number adds nothing; under a ``max_sum``, which it might break, it is not chosen."""

    def __init__(self, config: Config, values: Numbers, candidates: Candidates) -> None:
        self._low, self._high = config.min_sum, config.max_sum
        self._values = values.values
        self._known = added_up(values)
        self._large = positive(values.values, config.strength)
        self._indifferent = np.ones(len(self._known))
        self._sum = float(self._known[candidates.chosen].sum())

    def score(self) -> NDArray[Any]:
        """The numbers, between 0 and 1, while the sum is too small; then all the same."""
        return self._indifferent if self._low is None or at_most(-self._sum, -self._low) else self._large

    def add(self, row: int) -> None:
        """``row`` was chosen."""
        self._sum += float(self._known[row])

    def barred(self) -> NDArray[np.bool_] | None:
        """The rows with which the sum would be too large, and those of which nothing is known."""
        if self._high is None:
            return None
        return ~at_most(self._sum + self._values, self._high)

    def reason(self, row: int) -> Mapping[str, Any]:
        """The sum with it."""
        return {"value": float(self._known[row]), "sum": self._sum + float(self._known[row])}
