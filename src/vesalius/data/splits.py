"""Who trains, who validates, who tests: by subject where it is known, stratified by label, by hash and not by chance.

Each group (a subject, or an image where none is known) gets a number in [0, 1) from the seed and its own name, so the
order of rows means nothing. Groups are sorted into strata by the rarest label they bear; within a stratum the lowest
numbers are the test part, the next the validation part. Proportions are so exact to one group per stratum, and adding
a group moves at most one other across each border of its own stratum and none of any other (a bare threshold would
move none at all, but would miss the proportions of a small data set by several subjects).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.random import digest64

BY_IMAGE = (
    "The split is by image: no subject is known for these images, so pictures of one person may lie on both sides and"
    " results may be too good. Name a subject column or rule to split by subject."
)

_BY_SUBJECT = ("covid-cxr",)


def split(
    table: SampleTable,
    val: float = 0.1,
    test: float = 0.0,
    *,
    by: Literal["subject", "image"] | None = None,
    seed: int = 0,
    allow_leakage: bool = False,
    require_subjects: bool = False,
) -> SampleTable:
    """``table`` with every row in train, val or test.

    ``val`` and ``test`` are shares of groups. A table with a split of its own keeps it: a part that it lacks is drawn
    from its training part, the others are not touched. ``by``: None groups by subject where every row has one, else by
    image, with a warning kept in ``table.warnings``. Raises UserError when the shares do not fit, when there are fewer
    groups than parts, when subjects are demanded and unknown, or when a subject lies in two parts (see
    ``refuse_leakage``).
    """
    if not (0 <= val < 1 and 0 <= test < 1 and val + test < 1):
        raise UserError(
            f"Shares of val={val} and test={test} leave nothing to train on. Give shares of at least 0 whose sum is"
            " below 1."
        )
    subjects = table.subjects
    known = subjects is not None and all(s is not None for s in subjects)
    if (by == "subject" and not known) or (require_subjects and not known):
        raise UserError(
            f"A split by subject was asked for, but the table of {table.source} does not know the subject of every row."
            " Name a subject column or rule, or split by image."
        )
    parts = _own_split(table)
    pool = np.flatnonzero(parts == "train") if (parts != "").any() else np.arange(len(table))
    shares = {name: share for name, share in (("test", test), ("val", val)) if share > 0 and not (parts == name).any()}
    grouped = known and by != "image"
    warnings = list(table.warnings)
    split_by = table.split_by
    if shares:
        names = (
            subjects if grouped and subjects is not None else np.array([f"{i:016x}" for i in table.ids], dtype=object)
        )
        parts[pool] = _draw(names[pool], _strata(table)[pool], shares, seed, table.source)
        split_by = "subject" if grouped else "image"
        if not grouped and BY_IMAGE not in warnings:
            warnings.append(BY_IMAGE)
    elif not (parts != "").any():
        parts[:] = "train"
    out = table.with_columns(split=pd.Series(parts, dtype="str").replace("", None))
    out.warnings, out.split_by = warnings, split_by
    return refuse_leakage(out, allow_leakage=allow_leakage)


def _own_split(table: SampleTable) -> NDArray[np.object_]:
    if "split" not in table.frame:
        return np.full(len(table), "", dtype=object)
    return table.frame["split"].fillna("").astype(object).to_numpy(copy=True)


def _strata(table: SampleTable) -> NDArray[np.int64]:
    """``(N,)`` the rarest label each row bears, as a number: 0 where nothing is known or nothing is positive."""
    labels = table.task.labels if table.task is not None and table.task.kind != "regression" else ()
    many = table.task is not None and table.task.kind == "multilabel"
    best = np.zeros(len(table), np.int64)
    count = np.full(len(table), np.inf)
    number = 0
    for name in labels:
        values = np.round(table.labels(name))  # a soft target belongs to the nearer class
        for value in np.unique(values[~np.isnan(values)]):
            if many and value == 0:
                continue
            number += 1
            rows = values == value
            take = rows & (rows.sum() < count)
            best[take], count[take] = number, rows.sum()
    return best


def _draw(
    groups: NDArray[np.object_], strata: NDArray[np.int64], shares: dict[str, float], seed: int, source: str
) -> NDArray[np.object_]:
    codes, names = pd.factorize(groups)
    if len(names) <= len(shares):
        raise UserError(
            f"There are {len(names)} subjects (or images of nobody known) in the data ({source}), and {len(shares) + 1} parts to divide them"
            " into, each of which needs one at least. Add data, or give a column of splits."
        )
    number = np.array([digest64("split", seed, str(name)) / 2.0**64 for name in names])
    rows_of = np.bincount(strata)
    stratum = np.zeros(len(names), np.int64)
    for value in np.argsort(-rows_of, kind="stable"):  # the rarest is written last and stays
        stratum[codes[strata == value]] = value
    part = np.full(len(names), "train", dtype=object)
    for value in np.unique(stratum):
        members = np.flatnonzero(stratum == value)
        members = members[np.argsort(number[members], kind="stable")]
        # The offset makes the rounding fair over many small strata; it depends on the stratum alone, so that the
        # borders move by at most one group when one is added.
        offset = digest64("stratum", seed, int(value)) / 2.0**64
        start, reached = 0, 0.0
        for name, share in shares.items():
            reached += share
            end = int(np.floor(reached * len(members) + offset + 1e-9))
            part[members[start:end]] = name
            start = max(start, end)
    order = np.argsort(number, kind="stable")
    for name in shares:  # no part that was asked for stays empty, however small the data
        if not (part == name).any():
            part[order[part[order] == "train"][0]] = name
    if not (part == "train").any():
        part[order[-1]] = "train"
    return np.asarray(part[codes])


def refuse_leakage(table: SampleTable, *, allow_leakage: bool = False) -> SampleTable:
    """``table`` itself. Raises UserError when a subject lies in two parts; where allowed, that is a warning of it."""
    subjects = table.subjects
    if subjects is None or "split" not in table.frame:
        return table
    frame = pd.DataFrame({"subject": subjects, "split": table.frame["split"].to_numpy()}).dropna()
    parts = frame.groupby("subject")["split"].nunique()
    shared = int((parts > 1).sum())
    if not shared:
        return table
    both = frame["subject"].isin(parts.index[parts > 1])
    touched = {
        name: f"{int((both & (frame['split'] == name)).sum())} of {int((frame['split'] == name).sum())} samples of {name}"
        for name in frame["split"].unique()
        if name != "train"
    }
    said = f"{shared} of {len(parts)} subjects of {table.source} occur in more than one of train, val and test"
    if not allow_leakage:
        raise UserError(
            f"{said}: results would be too good ({', '.join(touched.values())} are theirs). Split by subject, correct the split, or"
            " use it as it is with allow_leakage (--data.allow_leakage true), and every result then carries this warning."
        )
    warning = f"{said} ({', '.join(touched.values())} are theirs); this was allowed, and results may be too good."
    if warning not in table.warnings:
        table.warnings.append(warning)
    return table


def innereye(n: int, val_split: float = 0.1, seed: int = 42) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of the training (n,) and the validation part (m,) by the rule of InnerEye (``compat: innereye``), in its order.

    A random permutation of n rows by torch's generator, the last ``int(n * val_split)`` of which validate; neither
    subjects nor labels are looked at. For CIFAR-10 (n = 50,000, seed 42) training begins 37542, 44491, 216.
    """
    import torch

    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).numpy()
    n_val = int(val_split * n)
    return order[: n - n_val], order[n - n_val :]


def split_as_innereye(table: SampleTable, seed: int) -> SampleTable:
    """``table`` with a tenth of its training part, or of all where it has no split, to validate with; see ``innereye``.

    By subject for the one data set that the original divided so.
    """
    if table.source in _BY_SUBJECT:
        return split(table, 0.1, 0.0, by="subject", seed=seed)
    parts = _own_split(table)
    pool = np.flatnonzero(parts == "train") if (parts != "").any() else np.arange(len(table))
    train, val = innereye(len(pool), 0.1, seed)
    parts[pool[train]], parts[pool[val]] = "train", "val"
    out = table.with_columns(split=pd.Series(parts, dtype="str").replace("", None))
    out.split_by = "image"
    if BY_IMAGE not in out.warnings:
        out.warnings.append(BY_IMAGE)
    return refuse_leakage(out, allow_leakage=True)
