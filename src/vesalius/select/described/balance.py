"""What the pool, the selection and random selections are made of: labels, and whatever else the job's inputs read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.measures.selection_quality import evenness
from vesalius.select.described.quality import about
from vesalius.select.selected import Selected
from vesalius.select.values import Classes, Numbers

Rows = NDArray[np.int64]
_MOST = 40
"""Classes that are counted one by one."""
_BINS = 24
_CELLS = 50_000_000


def balance(selected: Selected, values: Sequence[Classes | Numbers], others: Sequence[Rows]) -> list[dict[str, Any]]:
    """An entry for each label and each of ``values``: counts of classes with their evenness, or a histogram of numbers."""
    labels = [_label(name, known, list(selected.class_names.get(name, ()))) for name, known in selected.labels.items()]
    shown: list[Classes | Numbers] = []
    for one in (*labels, *values):
        if one is not None and not any(_same(one, before) for before in shown):
            shown.append(one)
    return [_classes(one, selected, others) if isinstance(one, Classes) else _numbers(one, selected) for one in shown]


def _same(one: Classes | Numbers, other: Classes | Numbers) -> bool:
    """Whether both say the same, as a label and the objective that balances it."""
    if isinstance(one, Classes) and isinstance(other, Classes):
        return list(one.names) == list(other.names) and np.array_equal(one.amounts, other.amounts)
    return one.title == other.title


def _label(name: str, known: NDArray[np.float64], names: Sequence[str]) -> Classes | None:
    """A column of class numbers as amounts: one of its class for each image."""
    there = known[~np.isnan(known)]
    if not len(there) or (not names and (len(np.unique(there)) > _MOST or (there != there.round()).any() or there.min() < 0)):
        return None
    count = max(len(names), int(there.max()) + 1)
    if len(known) * count > _CELLS:  # a column for each class would not fit: those that are rare are counted together
        often = np.argsort(-np.bincount(there.astype(np.int64), minlength=count), kind="stable")[:_MOST]
        amounts = np.column_stack([known[:, None] == often[None], ~np.isnan(known) & ~np.isin(known, often)]).astype(np.float64)
        return Classes([*(names[c] if c < len(names) else f"class {c}" for c in often), "all further"], amounts, f"label {name}")
    amounts = (known[:, None] == np.arange(count)[None]).astype(np.float64)
    return Classes([*names, *(f"class {number}" for number in range(len(names), count))], amounts, f"label {name}")


def _classes(one: Classes, selected: Selected, others: Sequence[Rows]) -> dict[str, Any]:
    amounts, rows = one.amounts, selected.picks.rows
    pool, own, drawn = amounts.sum(0), amounts[rows].sum(0), np.array([amounts[other].sum(0) for other in others])
    order = np.argsort(-pool, kind="stable")[:_MOST]
    rest = np.setdiff1d(np.arange(len(pool)), order)
    classes = [
        {"name": str(one.names[c]), "pool": float(pool[c]), "selection": float(own[c]), "random": about(drawn[:, c])} for c in order
    ]
    if len(rest):
        parts = [part[..., rest].sum(-1) for part in (pool, own, drawn)]
        classes.append({"name": f"{len(rest)} further", "pool": float(parts[0]), "selection": float(parts[1]), "random": about(parts[2])})
    return {
        "title": one.title,
        "kind": "classes",
        "classes": classes,
        "evenness": {"pool": evenness(pool), "selection": evenness(own), "random": about(np.array([evenness(each) for each in drawn]))},
        "missing": int(((own == 0) & (pool > 0)).sum()),
    }


def _numbers(one: Numbers, selected: Selected) -> dict[str, Any]:
    """The same bins for both, between the outermost hundredths of the pool."""
    values = one.values
    known, own = values[~np.isnan(values)], values[selected.picks.rows]
    own = own[~np.isnan(own)]
    low, high = (float(v) for v in np.percentile(known, (1, 99))) if len(known) else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    shares = {
        name: [round(float(v), 5) for v in np.histogram(np.clip(part, edges[0], edges[-1]), edges)[0] / max(1, len(part))]
        for name, part in (("pool", known), ("selection", own))
    }
    medians = {name: float(np.median(part)) if len(part) else float("nan") for name, part in (("pool", known), ("selection", own))}
    short = [float(f"{v:.6g}") for v in edges]
    return {"title": one.title, "kind": "numbers", "edges": short, "shares": shares, "medians": medians, "unknown": int(np.isnan(values).sum())}
