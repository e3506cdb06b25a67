"""Which rows of a table are meant, by the values of its columns: no expression language, so nothing to go wrong in it.

``{view: frontal}``, ``{meta.sex: F, meta.age: 18..65}`` in a recipe; ``view=frontal`` or ``"sex=F; age=18..65"`` on the command
line. Values in a list, or with commas, are alternatives; conditions on several columns hold together; ``low..high`` (either
may be missing) is a range of numbers. One word alone is a view, and ``all`` takes every row.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vesalius.data.schema import is_number
from vesalius.data.table import SampleTable
from vesalius.errors import UserError

Filter = str | Mapping[str, Any]
ALL = "all"
_SHOWN = 12


def filtered(table: SampleTable, given: Filter | None, default: Mapping[str, Any] | None = None) -> SampleTable:
    """The rows of ``table`` that ``given`` allows; ``default`` (a source's own) holds for columns that are not named.

    Raises UserError for what cannot be understood, a column that is not there, and where no row is left.
    """
    wanted = conditions(given, default)
    keep = np.ones(len(table), bool)
    for name, values in wanted.items():
        column = _column(table, name)
        keep &= _matches(table.frame[column], values)
        if not keep.any():
            raise UserError(f"No row of {table.source} is left after the filter {name}={','.join(values)}.{_there(table.frame[column])}")
    if keep.all():
        return table
    out = table.subset(keep)
    out.rows_meant = f"{said(wanted)} ({len(out):,} of {len(table):,} images)"
    return out


def conditions(given: Filter | None, default: Mapping[str, Any] | None = None) -> dict[str, tuple[str, ...]]:
    """Column -> the values it may have."""
    own = {} if given is None else _parsed(given)
    if own == {"view": (ALL,)} and given == ALL:
        return {}
    both = {**{name: _values(value) for name, value in (default or {}).items()}, **own}
    return {name: values for name, values in both.items() if values != (ALL,)}


def said(wanted: Mapping[str, tuple[str, ...]]) -> str:
    """The conditions as they are written on the command line."""
    return "; ".join(f"{name}={','.join(values)}" for name, values in wanted.items()) or ALL


def _parsed(given: Filter) -> dict[str, tuple[str, ...]]:
    if isinstance(given, Mapping):
        return {name: _values(value) for name, value in _flat(given, "").items()}
    found = {}
    for part in str(given).split(";"):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals:
            name, value = "view", name
        if not name or not value:
            raise UserError(
                f"The filter {given!r} cannot be understood. Write COLUMN=VALUE, as in view=frontal, several values as view=AP,PA,"
                " several columns as 'view=PA; sex=F', a range as age=18..65; or all."
            )
        found[name] = _values(value)
    return found


def _flat(given: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """``{meta: {sex: F}}``, as dotted names on the command line make it, is ``{meta.sex: F}``."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def _values(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, (list, tuple)):
        return tuple(str(part) for part in value)
    return (str(value),)


def _column(table: SampleTable, name: str) -> str:
    columns = {str(column).lower(): str(column) for column in table.frame.columns}
    for prefix in ("", "meta.", "label.", "score."):
        if (found := columns.get(f"{prefix}{name}".lower())) is not None:
            return found
    short = {column.removeprefix("meta."): column for column in columns}
    near = get_close_matches(name.lower(), short, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    useful = [column for column in table.frame.columns if column not in ("id", "uri", "frame", "box")]
    raise UserError(f"The table of {table.source} has no column {name!r} to filter by.{hint} Its columns: {', '.join(map(str, useful))}.")


def _matches(column: pd.Series, values: tuple[str, ...]) -> NDArray[np.bool_]:
    keep = np.zeros(len(column), bool)
    number = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    text = column.astype("str").str.lower()
    for value in values:
        low, dots, high = value.partition("..")
        if dots and (low or high) and is_number(low or "0") and is_number(high or "0"):
            keep |= (number >= float(low or "-inf")) & (number <= float(high or "inf"))
        elif is_number(value) and not np.isnan(number).all():
            keep |= number == float(value)
        else:
            keep |= (text == value.lower()).to_numpy(bool) & column.notna().to_numpy()
    return keep


def _there(column: pd.Series) -> str:
    known = column.dropna().unique()
    if not len(known):
        return " That column is empty."
    return f" That column holds {', '.join(sorted(map(str, known)))}." if len(known) <= _SHOWN else f" That column holds {len(known):,} values."
