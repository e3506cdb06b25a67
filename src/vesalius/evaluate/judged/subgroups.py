"""Does it serve everyone alike? The measure of each group of a column, and the largest gap between two of them.

A column is ``view``, ``laterality`` or any ``meta.NAME`` of the table (sex, age, site, scanner). Ages come in bands, other numbers of
many values in quarters. Groups of few subjects, or where the measure is undefined, are named without a value and take no part in the gap.
The gap is of the two groups that are furthest apart, whose difference is drawn again with the subjects; as these two were picked by what
they showed, it is a little too large, which its interval does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.evaluate.judged.resampling import Resampling
from vesalius.evaluate.pairs.pair import Pair
from vesalius.measures import bootstrap
from vesalius.measures.every import Sheet

if TYPE_CHECKING:
    import pandas as pd

LEAST = 20
"""Subjects, or images where none is known, of a group."""

_AGES = (18, 40, 60, 80)
_VALUES = 10
_PLAIN = ("view", "laterality")

Rows = list[dict[str, Any]]


def refuse_unknown(names: Sequence[str], tables: Sequence[SampleTable]) -> None:
    """Raises UserError for a column that no data set has."""
    known = sorted({str(column).removeprefix("meta.") for table in tables for column in table.frame if _is_group(str(column))})
    for name in names:
        if not any(_column(table.frame, name) for table in tables):
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise UserError(f"No data set has a column {name!r} to divide its samples by.{hint} Known: {', '.join(known) or 'none'}.")


def found(pair: Pair, answers: Tensor, again: Resampling, metric: str) -> tuple[Rows, Rows]:
    """``subgroups`` and ``gaps`` of the results, for every column asked for that the data set has; ``answers`` (S, n, outputs)."""
    rows, gaps = [], []
    for name in pair.asked.subgroups:
        column = _column(pair.split("test").frame, name)
        if column is None:
            continue
        groups = bands(pair.split("test").frame[column], name)
        values = {group: _values(answers, again, metric, groups == group) for group in sorted(set(groups) - {""}, key=_order)}
        rows += [{"metric": metric, "column": name, "group": group, **_row(*value, again.level)} for group, value in values.items()]
        told = {group: value for group, value in values.items() if value[0] >= LEAST and value[2] == value[2]}
        if len(told) > 1:
            most, least = max(told, key=lambda group: told[group][2]), min(told, key=lambda group: told[group][2])
            low, high = bootstrap.interval(told[most][3] - told[least][3], again.level)
            apart = told[most][2] - told[least][2]
            gaps.append({"metric": metric, "column": name, "value": apart, "low": low, "high": high, "least": least, "most": most})
    return rows, gaps


def bands(values: pd.Series[Any], name: str) -> NDArray[np.object_]:
    """``(n,)`` the group of each value, as text; empty where it is unknown."""
    import pandas as pd

    numbers = pd.to_numeric(values, errors="coerce")
    numeric = numbers.notna().any() and numbers.notna().sum() == values.notna().sum()
    out = np.full(len(values), "", dtype=object)
    known = values.notna().to_numpy() & (values.astype(str).str.strip() != "").to_numpy()
    if numeric and (name.removeprefix("meta.").lower() == "age" or numbers.nunique() > _VALUES):
        found = numbers.to_numpy(float, na_value=np.nan)
        if name.removeprefix("meta.").lower() == "age":
            cuts = np.array(_AGES, float)
            words = [f"below {_AGES[0]}", *(f"{a} to {b - 1}" for a, b in pairwise(_AGES)), f"{_AGES[-1]} and above"]
        else:
            cuts = np.unique(np.quantile(found[known], [0.25, 0.5, 0.75]))
            words = [f"below {cuts[0]:g}", *(f"{a:g} to {b:g}" for a, b in pairwise(cuts)), f"{cuts[-1]:g} and above"]
        out[known] = np.array(words, dtype=object)[np.searchsorted(cuts, found[known], side="right")]
        return out
    out[known] = values.astype(str).str.strip().to_numpy()[known]
    return out


def _order(group: str) -> tuple[float, str]:
    """Bands by their number, words by the alphabet."""
    first = group.removeprefix("below ").split(" ")[0]
    try:
        return float(first) - (0.5 if group.startswith("below") else 0), group
    except ValueError:
        return float("inf"), group


def _values(answers: Tensor, again: Resampling, metric: str, chosen: NDArray[np.bool_]) -> tuple[int, int, float, Tensor]:
    """Subjects, samples, the measure, its replicates; no value for a group that is too small."""
    units, n = len(np.unique(again.unit[chosen])), int(chosen.sum())
    if units < LEAST:
        return units, n, float("nan"), torch.empty(0)
    rows = torch.from_numpy(np.flatnonzero(chosen))
    sheets = [Sheet(again.kind, again.labels[rows], one.cpu()[rows], again.unit[chosen], again.units, [metric]) for one in answers]
    value = float(np.mean([sheet.once()[metric] for sheet in sheets]))
    blocks = [torch.stack([sheet.values(block)[metric] for sheet in sheets]).mean(0) for block in again.weights()]
    return units, n, value, torch.cat(blocks)


def _row(units: int, n: int, value: float, replicates: Tensor, level: float) -> Mapping[str, Any]:
    low, high = bootstrap.interval(replicates, level)
    return {"n": n, "units": units, "value": value, "low": low, "high": high}


def _is_group(column: str) -> bool:
    return column in _PLAIN or column.startswith("meta.")


def _column(frame: pd.DataFrame, name: str) -> str | None:
    """The column of ``frame`` that is meant by ``name``."""
    return next((column for column in (name, f"meta.{name}") if column in frame and _is_group(column) and frame[column].notna().any()), None)
