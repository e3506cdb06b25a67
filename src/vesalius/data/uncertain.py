"""What an uncertain label counts as: to be left out, no, yes, or something in between.

``ignore``: unknown. ``zeros``, ``ones``: no, yes (U-Zeroes, U-Ones of Irvin et al., "CheXpert", AAAI 2019). ``soft``: a target
in [0.55, 0.85] (U-Ones with label smoothing), ``soft-zeros``: in [0, 0.3] (U-Zeroes with label smoothing; Pham et al.,
"Interpreting chest X-rays via CNNs that exploit hierarchical disease dependencies and uncertainty labels", Neurocomputing
2021), drawn from the image's id and the finding: the same in every epoch and run. Soft targets are for learning alone: in
validation and test what is uncertain stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from vesalius import random
from vesalius.data.table import SampleTable
from vesalius.errors import UserError

Policy = str | Mapping[str, str]
"""One policy for all findings, or finding -> policy (findings that are not named: ignore)."""

VALUES: Mapping[str, float] = {"ignore": np.nan, "zeros": 0.0, "ones": 1.0}
INTERVALS: Mapping[str, tuple[float, float]] = {"soft": (0.55, 0.85), "soft-zeros": (0.0, 0.3)}
POLICIES = (*VALUES, *INTERVALS)


def settled(table: SampleTable, policy: Policy | None = None) -> SampleTable:
    """``table`` whose uncertain labels are what ``policy`` (None: ignore) makes of them.

    Raises UserError for a policy or finding that is not known, and for a policy where no label can be uncertain.
    """
    if table.uncertain is None:
        if policy not in (None, "ignore"):
            raise UserError(f"No label of {table.source} can be uncertain. Leave uncertain out.")
        return table
    of = _by_label(table, policy or "ignore")
    columns = {}
    for name in table.label_names:
        values = table.labels(name).copy()
        rows = values == table.uncertain
        if rows.any():
            values[rows] = _taken(of.get(name, "ignore"), name, table.ids[rows])
            columns[f"label.{name}"] = values
    out = table.with_columns(**columns)
    out.uncertain = None
    return firm(out)


def firm(table: SampleTable) -> SampleTable:
    """``table`` without soft targets in its validation and test parts: these are scored, and nothing is scored by a guess."""
    held = np.union1d(table.rows("val"), table.rows("test"))
    columns = {}
    for name in _told_apart(table):
        values = table.labels(name).copy()
        rows = held[_soft(values[held])]
        if len(rows):
            values[rows] = np.nan
            columns[f"label.{name}"] = values
    return table.with_columns(**columns) if columns else table


def _told_apart(table: SampleTable) -> list[str]:
    """The labels that are yes or no."""
    return [name for name in table.label_names if len(table.class_names.get(name, ())) == 2]


def _soft(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (values != np.round(values)) & ~np.isnan(values)
    return found


def _taken(policy: str, label: str, ids: NDArray[np.uint64]) -> NDArray[np.float64]:
    if policy in VALUES:
        return np.full(len(ids), VALUES[policy])
    low, high = INTERVALS[policy]
    return low + (high - low) * random.uniform(0, 0, ids, f"uncertain {label}", 1)[:, 0]


def _by_label(table: SampleTable, policy: Policy) -> dict[str, str]:
    if isinstance(policy, str):
        return dict.fromkeys(table.label_names, _known(policy))
    names = {_plain(name): name for name in table.label_names}
    found = {}
    for given, what in policy.items():
        if _plain(given) not in names:
            near = get_close_matches(_plain(given), names, n=1)
            hint = f" Did you mean {names[near[0]]!r}?" if near else ""
            raise UserError(f"uncertain names {given!r}, which is no label of {table.source}.{hint} Its labels: {', '.join(names.values())}.")
        found[names[_plain(given)]] = _known(what)
    return found


def _plain(name: str) -> str:
    """Pleural Effusion, pleural-effusion and pleural_effusion are one."""
    return re.sub(r"[^a-z0-9]+", "-", str(name).lower())


def _known(policy: str) -> str:
    if policy not in POLICIES:
        raise UserError(f"uncertain is {policy!r}. Choose one of {', '.join(POLICIES)}, or give one per finding, as in {{Edema: ones}}.")
    return policy
