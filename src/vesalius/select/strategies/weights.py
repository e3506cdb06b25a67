"""``WEIGHTS``: images with large numbers; with a negative strength, those with small ones. Alone: the n largest (or smallest)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import Field

from vesalius.errors import UserError
from vesalius.select.candidates import Candidates
from vesalius.select.numeric import added_up, at_most, numbers_of, positive
from vesalius.select.picks import Picks
from vesalius.select.strategy import Fixed, Progress, Strategy, StrategyConfig
from vesalius.select.values import Numbers, Values

TAKES: tuple[type[Any], ...] = (Numbers,)


class Config(StrategyConfig):
    """What can be chosen."""

    stopping_condition_max_sum: float | None = Field(
        None, allow_inf_nan=False, description="End before the numbers of everything chosen, preselected images included, add up to more."
    )


def build(config: Config, values: Values, candidates: Candidates) -> Strategy:
    """The strategy over ``values``. Raises UserError for classes, and where no number is known."""
    numbers = numbers_of(values, "WEIGHTS")
    if not np.isfinite(numbers.values).any():
        raise UserError(f"WEIGHTS of {numbers.title}: none of {len(candidates):,} images has a number. Look at where it comes from.")
    return Weights(config, numbers, candidates)


class Weights(Fixed):
    """A score that stays as it is, and a sum. An image without a number comes after all that have one, and adds nothing to the sum."""

    def __init__(self, config: Config, values: Numbers, candidates: Candidates) -> None:
        super().__init__(positive(values.values, config.strength), candidates.free)
        self._most, self._title = config.stopping_condition_max_sum, values.title
        self._values, self._added = values.values, added_up(values)
        self._sum = float(self._added[candidates.chosen].sum())

    def add(self, row: int) -> None:
        """``row`` was chosen."""
        self._sum += float(self._added[row])

    def stop(self, row: int) -> str:
        """Whether the sum would become too large."""
        if self._most is None or at_most(self._sum + float(self._added[row]), self._most):
            return ""
        return f"with the next, {self._title} would add up to more than {self._most:g}"

    def reason(self, row: int) -> Mapping[str, Any]:
        """The number."""
        return {"value": float(self._values[row])} if np.isfinite(self._values[row]) else {"value": "unknown"}

    def alone(self, n: int, progress: Progress) -> Picks | None:
        """The largest, by one sort of the numbers themselves, which are told apart to the last bit, up to the sum."""
        worth = np.where(np.isfinite(self._values), self._values, -np.inf)
        rows = np.flatnonzero(self._free)
        rows = rows[np.argsort(-worth[rows], kind="stable")[:n]]
        progress(len(rows), n)
        best = Picks.of(rows, self._scores[rows], stopped="" if len(rows) == n else "every image is chosen")
        if self._most is None:
            return best
        for place, row in enumerate(best.rows.tolist()):
            if why := self.stop(row):
                return replace(Picks.of(best.rows[:place], best.gain[:place]), stopped=why)
            self.add(row)
        return best
