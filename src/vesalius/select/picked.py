"""The rows that are handed over: what is known of each image that was selected, by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vesalius.select.selected import Selected

if TYPE_CHECKING:
    import pandas as pd


def rows(selected: Selected) -> pd.DataFrame:
    """A row for each pick, in order: order (from 1), name, id, gain, nearest (a name), distance, reasons (JSON), and a column for each label."""
    import pandas as pd

    picks, names = selected.picks, selected.candidates.names
    known: dict[str, Any] = {"order": np.arange(1, len(picks) + 1), "name": names[picks.rows]}
    frame = selected.candidates.frame
    if frame is not None and "id" in frame:
        known["id"] = [f"{int(one):016x}" for one in frame["id"].to_numpy(np.uint64)[picks.rows]]
    known |= {
        "gain": picks.gain,
        "nearest": [names[row] if row >= 0 else None for row in picks.nearest],
        "distance": picks.distance,
        "reasons": [json.dumps(told, default=float) for told in picks.reasons] or [""] * len(picks),
    }
    for name in selected.labels:
        known[f"label.{name}"] = said(selected, name, picks.rows)
    return pd.DataFrame(known)


def said(selected: Selected, label: str, at: NDArray[np.int64]) -> list[Any]:
    """The label of candidates ``at`` in words: a class's name, or the number where its values have none; None where it is not known."""
    values = selected.labels[label][at]
    names = selected.class_names.get(label, ())
    classes = {float(number): name for number, name in enumerate(names)}
    return [None if np.isnan(value) else classes.get(float(value), float(value)) for value in values]


def vectors(selected: Selected, at: NDArray[np.int64]) -> NDArray[np.float32] | None:
    """``(n, D)`` of candidates ``at``, where there are any."""
    known = selected.candidates.vectors
    return None if known is None else np.asarray(known[at], np.float32)
