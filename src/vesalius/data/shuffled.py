"""The divisions of Anton et al., "How Well Do Self-Supervised Models Transfer to Medical Imaging?", J. Imaging 2022
(``compat: ssl-medicalimaging``): by image, whoever is in them.

The rows of a set's table in pandas' order ``sample(frac=1, random_state=42)``: the first 80 % (of CheXpert 134,049) train, the
others test. A fifth of what trains validates: numpy's ``shuffle`` of seed 0. What the original calls its training part is
train and val together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vesalius.data.splits import refuse_leakage
from vesalius.data.table import SampleTable

SAID = (
    "Divided as by Anton et al. (compat ssl-medicalimaging): by image, in pandas' order of seed 42; one person's images may be on"
    " both sides, and results may be too good."
)
UNORDERED = "The original's table is not there, so that its rows stand in the order of their names: the rule is the original's, the images are not."


def order(n: int) -> NDArray[np.int64]:
    """``(n,)`` the rows 0 to n - 1 as pandas shuffles them; of 10: 8, 1, 5, 0, 7, 2, 9, 4, 3, 6."""
    return pd.Series(np.arange(n)).sample(frac=1, random_state=42).to_numpy(np.int64)


def held_out(n: int) -> NDArray[np.int64]:
    """``(n / 5,)`` which of n training images validate: the first fifth as numpy shuffles them; of 10: 2 and 8."""
    rows = list(range(n))
    np.random.RandomState(0).shuffle(rows)
    return np.array(rows[: int(np.floor(0.2 * n))], np.int64)


def parts(n: int, train: int | None = None, kept: NDArray[np.bool_] | None = None) -> NDArray[np.object_]:
    """``(n,)`` train, val or test for each row of the original's table, empty for rows that are not ``kept`` after the division.

    ``train``: how many rows of the order are its training part; None: 80 %, rounded down.
    """
    rows = order(n)
    count = int(np.floor(0.8 * n)) if train is None else train
    use = np.ones(n, bool) if kept is None else kept
    part = np.full(n, "", dtype=object)
    first, rest = (half[use[half]] for half in (rows[:count], rows[count:]))
    part[rest], part[first] = "test", "train"
    part[first[held_out(len(first))]] = "val"
    return part


def validated(n: int) -> NDArray[np.object_]:
    """``(n,)`` train or val for each row of a table that is a training part of its own: shuffled, then a fifth held out."""
    part = np.full(n, "train", dtype=object)
    part[order(n)[held_out(n)]] = "val"
    return part


def divided(table: SampleTable, names: Sequence[str], listed: Sequence[str], part: NDArray[np.object_], *, ordered: bool = True) -> SampleTable:
    """The rows of ``table`` (called ``names``) that have a ``part`` (n,) in the original's table (whose n rows are called ``listed``).

    ``ordered``: whether ``listed`` is the original's own order; what leaks is a warning of the table, never an error.
    """
    of = dict(zip(listed, part, strict=True))
    found = np.array([of.get(name, "") for name in names], dtype=object)
    out = table.subset(found != "").with_columns(split=found[found != ""])
    out.split_by = "image"
    out.warnings += [SAID] if ordered else [SAID, UNORDERED]
    return refuse_leakage(out, allow_leakage=True)


def official(table: SampleTable) -> SampleTable:
    """``table`` with its own training part, a fifth of which validates; in the order in which it stands."""
    part = table.frame["split"].to_numpy(object, copy=True)
    rows = table.rows("train")
    part[rows[held_out(len(rows))]] = "val"
    return table.with_columns(split=part)


def by_list(table: SampleTable, listed: Sequence[str] | None) -> SampleTable:
    """``table`` divided 80 to 20 in the order of ``listed``, the stems of its files; None: the original's table is not there."""
    names = stems_of(table)
    known = sorted(names) if listed is None else listed
    return divided(table, names, known, parts(len(known)), ordered=listed is not None)


def stems_of(table: SampleTable) -> list[str]:
    """The file name of each row, without folder and suffix."""
    return [str(uri).rpartition("/")[2].rpartition(".")[0] for uri in table.frame["uri"]]
