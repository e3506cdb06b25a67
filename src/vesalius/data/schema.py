"""The columns a sample table may have, and the check that every table passes before anything reads it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np
import pandas as pd

from vesalius.errors import UserError

REQUIRED: Mapping[str, str] = {"id": "uint64", "uri": "text", "frame": "int64", "box": "numbers"}
OPTIONAL: Mapping[str, str] = {
    "parent": "UInt64",  # the image of a box, the volume of a slice: an id
    "pair": "text",
    "mask": "text",
    "subject": "text",
    "study": "text",
    "series": "text",
    "view": "text",
    "laterality": "text",
    "split": "text",
    "width": "Int64",  # pixels
    "height": "Int64",
    "depth": "Int64",
    "spacing": "numbers",  # mm, one per axis
}
PREFIXES: Mapping[str, str] = {"label.": "float64", "score.": "float64", "meta.": "any"}
"""Columns of these prefixes are free in number; a label or score that is NaN is unknown."""

SPLITS = ("train", "val", "test")
SPLIT_WORDS: Mapping[str, str] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What data sets call their splits, and what we call them."""


def checked(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """``frame`` with every column of its right type. Raises UserError naming the column and the first bad row."""
    for name in REQUIRED:
        if name not in frame:
            raise UserError(
                f"The table of {what} has no column {name!r}. Every sample table needs {', '.join(REQUIRED)}."
            )
    columns: dict[str, pd.Series] = {}
    for name in map(str, frame.columns):
        columns[name] = _typed(frame[name], _kind(name, what), name, what)
    out = pd.DataFrame(columns).reset_index(drop=True)
    again = out["id"].duplicated(keep=False).to_numpy()
    if again.any():
        first = int(np.flatnonzero(again)[0])
        rows = np.flatnonzero((out["id"] == out["id"].iloc[first]).to_numpy())[:5]
        raise UserError(
            f"{int(again.sum())} rows in the table of {what} share an id with another row: rows"
            f" {', '.join(map(str, rows))} are the same file, frame and box. Remove the repeated rows, or give each its"
            " own frame or box."
        )
    return out


def _kind(name: str, what: str) -> str:
    known = {**REQUIRED, **OPTIONAL}
    if name in known:
        return known[name]
    for prefix, kind in PREFIXES.items():
        if name.startswith(prefix) and len(name) > len(prefix):
            return kind
    near = get_close_matches(name, [*known, *(f"{prefix}{name}" for prefix in PREFIXES)], n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UserError(
        f"The table of {what} has an unknown column {name!r}.{hint} Known are {', '.join(known)}; labels are called"
        " label.NAME, other values meta.NAME, scores score.NAME."
    )


def _typed(column: pd.Series, kind: str, name: str, what: str) -> pd.Series:
    if kind == "any":
        return column.reset_index(drop=True)
    if kind == "numbers":
        values: list[tuple[float, ...] | None] = [None] * len(column)
        if not column.isna().all():
            values = [None if _empty(v) else tuple(v) for v in column]
        if name == "box":
            _check_boxes(values, what)
        return pd.Series(values, dtype=object)
    if kind == "text":
        text = column.astype("str").reset_index(drop=True)
        if name == "uri" and text.isna().any():
            raise UserError(
                f"Row {int(text.isna().to_numpy().argmax())} in the table of {what} has no uri. Give every row its"
                " file, or leave the row out."
            )
        return _splits(text, what) if name == "split" else text
    try:
        return column.astype(kind).reset_index(drop=True)  # type: ignore[call-overload,no-any-return]
    except (TypeError, ValueError, OverflowError):
        number = pd.to_numeric(column, errors="coerce")
        bad = np.flatnonzero((number.isna() & column.notna()).to_numpy())
        where = f"row {bad[0]} holds {column.iloc[bad[0]]!r}" if len(bad) else "a value is missing or does not fit"
        raise UserError(
            f"The column {name!r} in the table of {what} must be of type {kind}, but {where}. Correct the value or"
            " leave it empty."
        ) from None


def _empty(value: object) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA


def _check_boxes(boxes: list[tuple[float, ...] | None], what: str) -> None:
    for row, box in enumerate(boxes):
        if box is not None and (len(box) != 4 or min(box[:2]) < 0 or min(box[2:]) < 1):
            raise UserError(
                f"Row {row} in the table of {what} has the box {box}. A box is (x, y, width, height) in pixels, with x,"
                " y of at least 0 and width, height of at least 1."
            )


def _splits(column: pd.Series, what: str) -> pd.Series:
    known = column.str.strip().str.lower().map(SPLIT_WORDS)
    bad = np.flatnonzero((known.isna() & column.notna()).to_numpy())
    if len(bad):
        value = str(column.iloc[bad[0]])
        near = get_close_matches(value.lower(), SPLIT_WORDS, n=1)
        hint = f" Did you mean {SPLIT_WORDS[near[0]]!r}?" if near else ""
        raise UserError(
            f"The column 'split' in the table of {what} holds {value!r} in row {bad[0]}.{hint} A split is one of"
            f" {', '.join(SPLITS)}, or empty where it is not decided yet."
        )
    return known.astype("str")


def is_number(word: str) -> bool:
    """Whether ``word`` is a number as Python writes one."""
    try:
        float(word)
    except ValueError:
        return False
    return True
