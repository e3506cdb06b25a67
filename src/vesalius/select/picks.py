"""What was chosen, in order, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Picks:
    """``rows`` (n,) of the candidates in the order of choice. ``gain`` (n,): the score with which each was chosen.

    ``nearest`` (n,): the row nearest to it among those chosen before it (or -1), ``distance`` (n,): how far (or NaN).
    ``reasons``: for each pick what each strategy said of it, by the strategy's title. ``stopped``: why there are fewer than asked for, or empty.
    """

    rows: NDArray[np.int64]
    gain: NDArray[np.float64]
    nearest: NDArray[np.int64]
    distance: NDArray[np.float64]
    reasons: Sequence[Mapping[str, Mapping[str, Any]]] = field(default_factory=list)
    stopped: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, rows: Sequence[int] | NDArray[np.int64], gain: Sequence[float] | NDArray[Any], **rest: Any) -> Picks:
        """Picks of which no nearest is known, unless ``rest`` says it."""
        n = len(rows)
        known = {"nearest": np.full(n, -1, np.int64), "distance": np.full(n, np.nan), **rest}
        return cls(np.asarray(rows, np.int64), np.asarray(gain, np.float64), **known)
