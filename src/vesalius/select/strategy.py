"""One objective of a selection: what each candidate would add to what is chosen so far."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from vesalius.select.picks import Picks

Progress = Callable[[int, int], None]


class StrategyConfig(BaseModel):
    """What every strategy can be told. Fields in snake case; a configuration may use the original's camel case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strength: float = Field(1.0, ge=-1e9, le=1e9, description="Exponent of this objective in the product of all; negative: prefer low values.")


class Strategy(ABC):
    """State of one objective while images are chosen one by one.

    The engine takes, of the rows that are free and not ``barred``, the one with the largest sum of strength x log(score), of equal
    ones the first by name; then every strategy is told. A strategy counts what was chosen before (``Candidates.chosen``) itself, when it is made.
    """

    @abstractmethod
    def score(self) -> NDArray[Any]:
        """``(N,)`` at least 0: what each candidate would add now, the more the better. The array may be the strategy's own: it is only read."""

    @abstractmethod
    def add(self, row: int) -> None:
        """``row`` was chosen."""

    def barred(self) -> NDArray[np.bool_] | None:
        """``(N,)`` rows that may not be chosen (any more), or None: thresholds, minimum distances."""
        return None

    def stop(self, row: int) -> str:
        """Why the selection ends before ``row``, the best there is, is taken; empty where it goes on."""
        return ""

    def reason(self, row: int) -> Mapping[str, Any]:
        """What speaks for ``row``, asked before it is added: numbers and words for the table of picks, never a file's name.

        ``nearest`` (a row) and ``distance`` (to it) are the nearest chosen image, where the strategy knows it.
        """
        return {}

    def narrowed(self, free: NDArray[np.bool_]) -> bool:
        """Told before ``alone`` where hard conditions leave ``free`` (N,) rows only; whether it can do so. False: one by one."""
        return False

    def alone(self, n: int, progress: Progress) -> Picks | None:
        """The first ``n`` picks at once, where this objective is the only one with a faster way than one by one; they must be the same."""
        return None


class Fixed(Strategy):
    """A preference that does not change with what is chosen: ``scores`` (N,) at least 0.

    ``free`` (N,): rows that may be chosen; ``kept`` (N,): those that fulfil a condition of this objective.
    """

    def __init__(self, scores: NDArray[Any], free: NDArray[np.bool_], kept: NDArray[np.bool_] | None = None) -> None:
        self._scores, self._free, self._kept = np.asarray(scores, np.float64), free, kept

    def score(self) -> NDArray[Any]:
        """The same as ever."""
        return self._scores

    def add(self, row: int) -> None:
        """Nothing changes."""

    def barred(self) -> NDArray[np.bool_] | None:
        """The rows that do not fulfil the condition."""
        return None if self._kept is None else ~self._kept

    def alone(self, n: int, progress: Progress) -> Picks | None:
        """The ``n`` highest, of equal ones the first by name."""
        rows = np.flatnonzero(self._free if self._kept is None else self._free & self._kept)
        best = rows[np.argsort(-self._scores[rows], kind="stable")[:n]]
        progress(len(best), n)
        return Picks.of(best, self._scores[best], stopped="" if len(best) == n else _why(self._free, best))


def _why(free: NDArray[np.bool_], chosen: NDArray[np.int64]) -> str:
    return "every image is chosen" if free.sum() == len(chosen) else "no further image fulfils the conditions"


class Filter(Strategy):
    """A hard condition: it bars rows and prefers none."""

    def __init__(self, kept: NDArray[np.bool_]) -> None:
        self._barred = ~kept
        self._indifferent = np.ones(len(kept))

    def score(self) -> NDArray[Any]:
        """All the same."""
        return self._indifferent

    def add(self, row: int) -> None:
        """Nothing changes."""

    def barred(self) -> NDArray[np.bool_]:
        """The rows that do not fulfil it."""
        return self._barred
