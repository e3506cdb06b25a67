"""``selection.parquet``: the picks by id, in order, with what speaks for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError
from vesalius.files import naming_failures, sibling
from vesalius.runs import Run
from vesalius.select.picks import Picks

FILE = "selection.parquet"
COLUMNS = ("order", "id", "gain", "nearest", "distance", "reasons")
"""``order`` from 1; ``nearest``: the id of the nearest image chosen before, or none, at ``distance``; ``reasons``: JSON, by strategy."""


def keep(run: Run, picks: Picks, ids: NDArray[np.uint64]) -> None:
    """Write ``picks`` among candidates of ``ids`` (N,) into the run."""
    import pandas as pd

    frame = pd.DataFrame(
        {
            "order": np.arange(1, len(picks) + 1),
            "id": [f"{int(i):016x}" for i in ids[picks.rows]],
            "gain": picks.gain,
            "nearest": [f"{int(ids[row]):016x}" if row >= 0 else None for row in picks.nearest],
            "distance": picks.distance,
            "reasons": [json.dumps(dict(why)) for why in picks.reasons] if picks.reasons else ["{}"] * len(picks),
        }
    )
    place = run.path / FILE
    temporary = sibling(place)
    with naming_failures(place):
        frame.to_parquet(temporary, index=False)
        temporary.replace(place)


def read(folder: Path, ids: NDArray[np.uint64], stopped: str = "") -> Picks:
    """The picks that ``keep`` wrote, as rows of candidates of ``ids`` (n,). Raises UserError where some of them are not among the data any more."""
    import pandas as pd

    frame = pd.read_parquet(folder / FILE)
    place = {f"{int(i):016x}": row for row, i in enumerate(ids)}
    if gone := [i for i in frame["id"] if i not in place]:
        raise UserError(
            f"{len(gone):,} of the {len(frame):,} images of this selection are not among the data any more (the first has the id {gone[0]}), so that "
            "they cannot be named. Put the files back, or begin a new selection."
        )
    reasons: list[dict[str, Any]] = [json.loads(text) for text in frame["reasons"]]
    return Picks(
        np.asarray([place[i] for i in frame["id"]], np.int64),
        frame["gain"].to_numpy(np.float64),
        np.asarray([place.get(i, -1) for i in frame["nearest"]], np.int64),
        frame["distance"].to_numpy(np.float64),
        reasons,
        stopped,
    )
