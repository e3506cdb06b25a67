"""What differs from what beyond chance: encoders paired on the same replicates, with p-values and Holm's correction.

Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 1979. A family is what one protocol says of one data
set by one measure: all pairs of encoders; and apart from it each encoder against each baseline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from torch import Tensor

from vesalius.evaluate.judged.judging import CALIBRATED, Judged
from vesalius.evaluate.judged.resampling import LEVEL
from vesalius.measures import bootstrap
from vesalius.measures.families import holm
from vesalius.report.wording import is_directed
from vesalius.tasks.scoring import higher_is_better

ALPHA = 0.05
_COUNTED = 10
"""Replicates on the rarer side of 0 from which on their share is a p-value."""

Row = dict[str, Any]


def p_value(apart: Tensor, rarest: int | None = None) -> float:
    """Two-sided, of replicates ``apart`` (R,) of a difference: twice the share on the rarer side of 0, the sample itself counted; NaN without replicates.

    Where fewer than ten lie there, 2,000 replicates cannot tell 1 in 1,000 from 1 in a million, which correction for 78 pairs of 13 encoders
    needs: then it is the tail of a normal distribution of their mean and deviation, where that is less. ``rarest``: subjects of the
    rarest class where they are few, which makes it larger.
    """
    known = apart[~apart.isnan()]
    if not len(known):
        return float("nan")
    side = min(int((known <= 0).sum()), int((known >= 0).sum()))
    p = min(1.0, 2 * (side + 1) / (len(known) + 1))
    spread = float(known.std()) if len(known) > 1 else 0.0
    if side < _COUNTED and spread > 0:
        p = min(p, math.erfc(abs(float(known.mean())) / spread / math.sqrt(2)))
    return p if rarest is None else bootstrap.expanded_p(p, rarest)


def between(data: str, metric: str, cells: Mapping[str, Judged], baselines: Sequence[str]) -> list[Row]:
    """``differences`` on one data set: every pair of encoders, then each encoder less each baseline."""
    own = [name for name in cells if name not in baselines]
    beside = [name for name in cells if name in baselines]
    pairs = [_apart(data, metric, cells, a, b) for a, b in combinations(own, 2)]
    others = [_apart(data, metric, cells, a, b) for a in own for b in beside]
    return [*_corrected([row for row in pairs if row]), *_corrected([{**row, "baseline": True} for row in others if row])]


def ties(data: str, metric: str, cells: Mapping[str, Judged], baselines: Sequence[str]) -> Row | None:
    """The best encoder, and those that the paired test does not tell from it; None for fewer than two, or without an order."""
    own = {name: judged for name, judged in cells.items() if name not in baselines and _defined(judged, metric)}
    better = -1 if lower_is_better(metric) else 1
    if len(own) < 2 or not is_directed(metric):
        return None
    best = max(own, key=lambda name: better * own[name].values[metric].value)
    found = _corrected([row for a, b in combinations(own, 2) if (row := _apart(data, metric, own, a, b))])
    told = {frozenset((row["a"], row["b"])) for row in found if row["p_holm"] is not None and row["p_holm"] < ALPHA}
    tied = [name for name in own if name != best and frozenset((best, name)) not in told]
    return {"data": data, "metric": metric, "best": best, "tied": tied}


def lower_is_better(metric: str) -> bool:
    """Whether less of ``metric`` is better."""
    return not higher_is_better(metric.removesuffix(CALIBRATED))


def _defined(judged: Judged, metric: str) -> bool:
    value = judged.values.get(metric)
    return value is not None and value.value == value.value and value.replicates is not None


def _apart(data: str, metric: str, cells: Mapping[str, Judged], a: str, b: str) -> Row:
    """a less b; nothing where one of them has no replicates."""
    if not (_defined(cells[a], metric) and _defined(cells[b], metric)):
        return {}
    mine, other = cells[a].values[metric], cells[b].values[metric]
    assert mine.replicates is not None
    assert other.replicates is not None
    if len(mine.replicates) != len(other.replicates):
        return {}
    apart = mine.replicates - other.replicates
    rarest = cells[a].rarest
    low, high = bootstrap.interval(apart, LEVEL if rarest is None else bootstrap.expanded(rarest, LEVEL))
    p = p_value(apart, rarest)
    return {"data": data, "metric": metric, "a": a, "b": b, "value": mine.value - other.value, "low": low, "high": high, "p": p}


def _corrected(rows: Sequence[Row]) -> list[Row]:
    return [{**row, "p_holm": p} for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True)]
