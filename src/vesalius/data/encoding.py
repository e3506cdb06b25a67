"""Columns of words or numbers as labels: codes 0, 1, ... with names, NaN where nothing is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vesalius.data.task import Kind, TaskSpec
from vesalius.errors import UserError

MOST_CLASSES = 1000
_YES_NO = {
    "yes": 1.0,
    "true": 1.0,
    "positive": 1.0,
    "1": 1.0,
    "1.0": 1.0,
    "no": 0.0,
    "false": 0.0,
    "negative": 0.0,
    "0": 0.0,
    "0.0": 0.0,
}


def encode(
    frame: pd.DataFrame, labels: Sequence[str], kind: Kind | None
) -> tuple[dict[str, NDArray[np.float64]], dict[str, list[str]], TaskSpec]:
    """Columns ``labels`` of ``frame`` as numbers by name, their class names, and the task they make.

    Several columns are multi-label, each of yes and no (1, 0, yes, no, true, false, positive, negative); -1 there is
    uncertain and read as unknown. One column of words is classes in alphabetical order; of whole numbers, classes in
    order of size; of other numbers, a regression. ``kind`` overrules. Raises UserError when the values do not fit.
    """
    if len(labels) > 1 and kind not in (None, "multilabel"):
        raise UserError(
            f"{len(labels)} label columns cannot be of kind {kind!r}. Give one column, or the kind 'multilabel'."
        )
    if len(labels) > 1 or kind == "multilabel":
        columns = {name: _yes_no(frame[name], name) for name in labels}
        return (
            columns,
            {name: ["no", "yes"] for name in labels},
            TaskSpec(
                "+".join(labels) if len(labels) < 4 else f"{len(labels)} labels",
                "multilabel",
                tuple(labels),
                tuple(labels),
            ),
        )
    (name,) = labels
    column = frame[name]
    number = pd.to_numeric(column, errors="coerce") if column.dtype != bool else column.astype("float64")
    numeric = bool((number.notna() == column.notna()).all())
    values = number.to_numpy(np.float64, na_value=np.nan)
    known = np.unique(values[~np.isnan(values)])
    if kind == "regression" or (kind is None and numeric and bool((known != np.round(known)).any())):
        if not numeric:
            raise UserError(
                f"The label {name!r} holds words, which no regression can fit. Choose the kind 'classes', or another"
                " column."
            )
        return {name: np.asarray(values, np.float64)}, {}, TaskSpec(name, "regression", (name,))
    if numeric:
        codes = np.searchsorted(known, values).astype(np.float64)
        codes[np.isnan(values)] = np.nan
        names = [f"{value:g}" for value in known]
        if column.dtype == bool:
            names = ["no", "yes"] if len(known) == 2 else names
    else:
        words = column.astype("str").str.strip()
        words = words.mask(words == "")
        integers, unique = pd.factorize(words, sort=True)
        codes, names = integers.astype(np.float64), [str(word) for word in unique]
        codes[integers < 0] = np.nan
    if len(names) < 2:
        said = f"is {names[0]!r} wherever it is known" if names else "is not known of any sample"
        raise UserError(f"The label {name!r} {said}, and there is nothing to tell apart below two classes. Choose another column.")
    if len(names) > MOST_CLASSES:
        raise UserError(
            f"The label {name!r} has {len(names)} different values, but classes are 2 to {MOST_CLASSES}. Choose another"
            " column, or the kind 'regression' for a quantity."
        )
    if kind == "binary" and len(names) != 2:
        raise UserError(
            f"The label {name!r} has {len(names)} different values ({', '.join(names[:6])}), but a binary label has 2."
            " Choose the kind 'classes'."
        )
    return (
        {name: codes},
        {name: names},
        TaskSpec(name, kind or ("binary" if len(names) == 2 else "classes"), (name,), tuple(names)),
    )


def _yes_no(column: pd.Series, name: str) -> NDArray[np.float64]:
    words = column.astype("str").str.strip().str.lower()
    unknown = column.isna() | words.isin(["", "nan", "-1", "-1.0", "uncertain", "unknown"])
    values = words.map(_YES_NO)
    bad = np.flatnonzero((values.isna() & ~unknown).to_numpy())
    if len(bad):
        raise UserError(
            f"The label {name!r} holds {column.iloc[bad[0]]!r} in row {bad[0]}; one of several labels must be yes or no"
            " (1, 0, true, false, positive, negative, or empty). Give it alone if it holds classes."
        )
    return np.asarray(values.where(~unknown), np.float64)
