"""One by one: the candidate with the largest product of its objectives, each to the power of its strength.

A product, so that the scales of objectives do not matter, and their order neither (Lightly's rule). Of equal candidates the first by
name is taken. ``score`` of one candidate is taken by itself, not added to what the chosen ones have: the influence of an objective
then does not fade as the selection grows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.select.candidates import Candidates
from vesalius.select.picks import Picks
from vesalius.select.strategy import Filter, Progress, Strategy

_LEAST = 1e-30
"""A score of 0 counts as this: the product still tells apart by the other objectives."""


@dataclass(frozen=True)
class Weighted:
    """A strategy with its strength. ``title``: how it is called in reasons and reports."""

    title: str
    strategy: Strategy
    strength: float = 1.0


def choose(candidates: Candidates, strategies: Sequence[Weighted], n: int, progress: Progress = lambda done, total: None) -> Picks:
    """The best ``n`` rows in the order they were chosen, or fewer with the reason. Deterministic."""
    ranking = [one for one in strategies if not isinstance(one.strategy, Filter)]
    free = candidates.free
    for one in strategies:
        if isinstance(one.strategy, Filter):
            free &= ~one.strategy.barred()
    if len(ranking) == 1 and ranking[0].strength > 0 and (len(strategies) == 1 or ranking[0].strategy.narrowed(free)):
        at_once = ranking[0].strategy.alone(n, progress)
        if at_once is not None:
            return at_once if len(at_once.reasons) else replace(at_once, reasons=[{ranking[0].title: _said(ranking[0], row)} for row in at_once.rows.tolist()])
    picks: list[tuple[int, float, int, float]] = []
    reasons: list[dict[str, Any]] = []
    stopped = ""
    while len(picks) < n:
        open_ = free
        for one in ranking:
            if (barred := one.strategy.barred()) is not None:
                open_ = open_ & ~barred
        if not open_.any():
            stopped = "no further image fulfils the conditions" if free.any() else "every image is chosen"
            break
        total = _product(ranking, len(candidates))
        row = int(np.argmax(np.where(open_, total, -np.inf)))
        stopped = next((why for one in strategies if (why := one.strategy.stop(row))), "")
        if stopped:
            break
        said = {one.title: dict(one.strategy.reason(row)) for one in ranking}
        nearest, distance = next(((told["nearest"], told["distance"]) for told in said.values() if "nearest" in told), (-1, np.nan))
        picks.append((row, _gain(ranking, row), int(nearest), float(distance)))
        reasons.append({title: _without_nearest(told) for title, told in said.items()})
        free[row] = False
        for one in strategies:
            one.strategy.add(row)
        progress(len(picks), n)
    rows, gains, nearest_, distances = zip(*picks, strict=True) if picks else ((), (), (), ())
    return Picks(
        np.asarray(rows, np.int64), np.asarray(gains), np.asarray(nearest_, np.int64), np.asarray(distances, np.float64), reasons, stopped
    )


def _said(one: Weighted, row: int) -> dict[str, Any]:
    return _without_nearest(one.strategy.reason(row))


def _without_nearest(told: Mapping[str, Any]) -> dict[str, Any]:
    """These have columns of their own."""
    return {key: value for key, value in told.items() if key not in ("nearest", "distance")}


def _product(ranking: Sequence[Weighted], size: int) -> NDArray[np.float64]:
    """``(N,)`` the logarithm of the product."""
    if len(ranking) == 1:
        score = np.asarray(ranking[0].strategy.score(), np.float64)
        return score if ranking[0].strength > 0 else -score if ranking[0].strength < 0 else np.zeros(size)
    total = np.zeros(size)
    for one in ranking:
        if one.strength:
            total += one.strength * np.log(np.maximum(np.asarray(one.strategy.score(), np.float64), _LEAST))
    return total


def _gain(ranking: Sequence[Weighted], row: int) -> float:
    """The product for one row; of a single objective its score."""
    if len(ranking) == 1:
        return float(ranking[0].strategy.score()[row])
    return float(np.exp(sum(one.strength * np.log(max(float(one.strategy.score()[row]), _LEAST)) for one in ranking)))
