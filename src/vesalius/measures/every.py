"""Every measure of one set of answers, over all replicates of a bootstrap at once.

The same values as ``metrics.measure`` gives one by one, for the price of about one of them: sums, which most measures are functions
of, are taken per unit (subject) once, and a block of replicates is one product with the units' weights; the walk over thresholds is a
sparse product that the two areas share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from vesalius.measures import belief, decisions
from vesalius.measures.metrics import EVERY, Kind

SENSITIVITY = "sensitivity_at_95_specificity"
NAMES = (*(name for name in EVERY if name not in ("ece", "ace", "brier", "nll")), SENSITIVITY, "ece", "ace", "brier", "nll")
"""Of answers to classes, binary, multi-label and (``kappa``) ordered questions, in the order of a table."""

_CELLS = 1 << 21
_SMALL = 1 << 14
"""Weights that are not worth a thread."""

Array = NDArray[np.floating[Any]]


class Sheet:
    """Answers ready to be measured: ``labels`` (N,) class numbers or (N, L) with NaN, ``probabilities`` (N, outputs) as for
    ``metrics.measure``, ``unit`` (N,) the number below ``units`` of each sample's subject, and which of ``NAMES`` are wanted.
    ``thresholds``: of each class (of class 1 alone for two columns) or label, without which there is no sensitivity at a fixed specificity.
    """

    def __init__(
        self,
        kind: Kind,
        labels: Float[Tensor, "samples ..."],
        probabilities: Float[Tensor, "samples outputs"],
        unit: NDArray[np.int64],
        units: int,
        names: Sequence[str],
        thresholds: Sequence[float] | None = None,
    ) -> None:
        labels, probabilities = labels.detach().cpu(), probabilities.detach().cpu().double()
        self.names, self.many = tuple(names), kind == "multilabel"
        self._parts = []
        for column in range(labels.shape[1]) if self.many else (None,):
            own = labels if column is None else labels[:, column]
            known = ~own.isnan()
            p = probabilities[known] if column is None else torch.stack([1 - probabilities[known, column], probabilities[known, column]], 1)
            cuts = thresholds if thresholds is None or column is None else [thresholds[column]]
            self._parts.append(_Question(own[known].double(), p, unit[known.numpy()], units, self.names, cuts, self.many))

    def values(self, weights: Float[Tensor, "units replicates"]) -> dict[str, Float[Tensor, " replicates"]]:
        """Each measure for each weighting of the units, in double precision; NaN where it is undefined."""
        w = weights.numpy()
        step = max(64, _CELLS // max(1, *(part.height for part in self._parts)))
        blocks = [self._values(w[:, start : start + step]) for start in range(0, w.shape[1], step)]
        return {name: torch.cat([block[name] for block in blocks]) for name in self.names}

    def once(self) -> dict[str, float]:
        """Each measure of the samples as they are."""
        units = self._parts[0].units
        return {name: float(value[0]) for name, value in self.values(torch.ones(units, 1, dtype=torch.float64)).items()}

    def _values(self, w: Array) -> dict[str, Tensor]:
        w = np.ascontiguousarray(w)
        if len(self._parts) > 1 and w.size > _SMALL:  # numpy and scipy let go of the lock
            with ThreadPoolExecutor(torch.get_num_threads()) as pool:
                found = list(pool.map(lambda part: part.values(w), self._parts))
        else:
            found = [part.values(w) for part in self._parts]
        return {name: torch.stack([one[name].double() for one in found]).nanmean(0) for name in self.names}


class _Question:
    """One column of labels."""

    def __init__(
        self, y: Tensor, p: Tensor, unit: NDArray[np.int64], units: int, names: Sequence[str], thresholds: Sequence[float] | None, of_many: bool
    ) -> None:
        self.units, self.names, self.of_many = units, names, of_many
        classes = range(p.shape[1]) if p.shape[1] > 2 else (1,)
        self._sums: dict[str, Array] = {}
        if any(name in decisions.MEASURES for name in names):
            self._sums["decisions"] = _by_unit(decisions.columns(y, p), unit, units)
        if any(name in belief.MEASURES for name in names):
            self._sums["belief"] = _by_unit(belief.columns(y, p), unit, units)
        if SENSITIVITY in names:
            cuts = [float("nan")] * len(classes) if thresholds is None else thresholds
            found = [(y == c) & (p[:, c] >= cut) for c, cut in zip(classes, cuts, strict=True)]
            hits = torch.stack([f.double() if cut == cut else torch.full_like(y, torch.nan) for f, cut in zip(found, cuts, strict=True)], 1)
            self._sums["threshold"] = _by_unit(torch.cat([hits, torch.stack([(y == c).double() for c in classes], 1)], 1), unit, units)
        ranked = "roc_auc" in names or "pr_auc" in names
        self._areas = [_Areas((y == c).numpy(), p[:, c].numpy(), unit, units) for c in classes] if ranked else []
        self._levels = _levels(y, p, unit, units) if "ace" in names and len(y) else None
        self.height = max([units, *(area.height for area in self._areas), *([] if self._levels is None else [self._levels[0].shape[0]])])

    def values(self, w: Array) -> dict[str, Tensor]:
        sums = {family: torch.from_numpy(columns.astype(w.dtype, copy=False) @ w) for family, columns in self._sums.items()}
        areas = [area.values(w) for area in self._areas]
        return {name: self._value(name, w, sums, areas) for name in self.names}

    def _value(self, name: str, w: Array, sums: Mapping[str, Tensor], areas: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        if name in decisions.MEASURES:
            return decisions.MEASURES["f1_of_positive" if name == "f1" and self.of_many else name](sums["decisions"])
        if name in belief.MEASURES:
            return belief.MEASURES[name](sums["belief"])
        if name == SENSITIVITY:
            hit, positive = sums["threshold"].chunk(2)
            return (hit / positive).nanmean(0)
        if name == "ace":
            if self._levels is None:
                return torch.full((w.shape[1],), torch.nan)
            return belief.ace(*(torch.from_numpy(_running(level @ w)) for level in self._levels))
        return torch.stack([area[name == "pr_auc"] for area in areas]).nanmean(0)


class _Areas:
    """Thresholds of one score: those that a positive has, ascending; see ``metrics.area_under_roc`` and ``average_precision``."""

    def __init__(self, positive: NDArray[np.bool_], score: Array, unit: NDArray[np.int64], units: int) -> None:
        thresholds, group = np.unique(score[positive], return_inverse=True)
        self.height, rest = len(thresholds), score[~positive]
        above = np.searchsorted(thresholds, rest, side="right")
        at = np.searchsorted(thresholds, rest, side="left")
        tie, below = above != at, above < self.height
        self._hits = _sparse(group, unit[positive], self.height, units)
        self._steps = _sparse(above[below], unit[~positive][below], self.height, units)
        self._tied = _sparse(at[tie], unit[~positive][tie], self.height, units) if tie.any() else None
        self._negative = np.bincount(unit[~positive], minlength=units)

    def values(self, w: Array) -> tuple[Tensor, Tensor]:
        """Area under the ROC curve and average precision; NaN unless both classes are present."""
        if not self.height:
            none = torch.full((w.shape[1],), torch.nan)
            return none, none
        hits = self._hits @ w
        below = _running(self._steps @ w)
        negative = self._negative.astype(w.dtype) @ w
        found = _running(hits[::-1].copy())[::-1]
        total = found[0]
        half = 0 if self._tied is None else self._tied @ w / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            roc = np.einsum("gr,gr->r", hits, below + half) / (total * negative)
            precision = found / (found + negative - below)
            precision[np.isnan(precision)] = 0
            area = np.where(negative > 0, np.einsum("gr,gr->r", hits, precision) / total, np.nan)
        return torch.from_numpy(roc), torch.from_numpy(area)


def at_thresholds(kind: Kind, labels: Tensor, probabilities: Tensor, find: Callable[[Tensor, Tensor], float]) -> list[float]:
    """``find(positive, score)`` for each class (class 1 alone of two) or label: thresholds, from samples that are not tested on."""
    if kind == "multilabel":
        known = ~labels.isnan()
        return [find(labels[k, c] == 1, probabilities[k, c]) for c, k in enumerate(known.T)]
    known = ~labels.isnan()
    classes = range(probabilities.shape[1]) if probabilities.shape[1] > 2 else (1,)
    return [find(labels[known] == c, probabilities[known, c]) for c in classes]


def _by_unit(columns: Tensor, unit: NDArray[np.int64], units: int) -> Array:
    """(columns, units): the sum over each unit's samples."""
    whole = torch.zeros(units, columns.shape[1], dtype=torch.float64).index_add_(0, torch.from_numpy(unit), columns.double())
    return np.ascontiguousarray(whole.T.numpy())


def _sparse(row: NDArray[np.int64], unit: NDArray[np.int64], rows: int, units: int, values: Array | None = None) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix((np.ones(len(row), np.float32) if values is None else values.astype(np.float32), (row, unit)), shape=(rows, units))


def _levels(y: Tensor, p: Tensor, unit: NDArray[np.int64], units: int) -> tuple[Any, Any]:
    sure, true = belief.sureness(y, p)
    level = belief.levels(sure).numpy()
    rows = int(level.max()) + 1
    return _sparse(level, unit, rows, units), _sparse(level, unit, rows, units, (true - sure).numpy())


def _running(values: Array) -> Array:
    """Cumulative sums over the first axis, in place; row by row, since numpy and torch walk down each column alone."""
    for row in range(1, len(values)):
        np.add(values[row - 1], values[row], out=values[row])
    return values
