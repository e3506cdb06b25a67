"""A strategy of one's own: one image of every class before a second of any.

vesalius select --data ./images --n 6 --strategy round-robin:camera --path_regex '(?P<camera>cam[0-9]+)' --plugins my_strategy.py
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vesalius.select.candidates import Candidates
from vesalius.select.strategy import Strategy, StrategyConfig
from vesalius.select.values import Classes, Values

VESALIUS = {"strategies": ["round-robin"]}
TAKES = (Classes,)


class Config(StrategyConfig):
    """Its strength is all that can be said."""


def build(config: Config, values: Values, candidates: Candidates) -> Strategy:
    """The strategy over what an input says of the candidates."""
    assert isinstance(values, Classes)
    return RoundRobin(values, candidates)


class RoundRobin(Strategy):
    """Counts what is chosen of each class; an image of several counts for all of them."""

    def __init__(self, values: Classes, candidates: Candidates) -> None:
        self._names, self._holds = list(values.names), values.amounts > 0
        self._chosen = self._holds[candidates.chosen].sum(0).astype(float)

    def score(self) -> Any:
        """One over the images chosen so far of the rarest class that an image holds."""
        rarest = np.where(self._holds, self._chosen, np.inf).min(1)
        return 1 / (1 + rarest)

    def add(self, row: int) -> None:
        """One more of each of its classes."""
        self._chosen += self._holds[row]

    def reason(self, row: int) -> Mapping[str, Any]:
        """Which turn it was."""
        return {"turn": int(min(self._chosen[self._holds[row]], default=0)) + 1}
