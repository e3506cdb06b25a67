"""``embedding-atlas``: a Parquet file of all candidates: place on the map, thumbnail, neighbours, and whether each was selected."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np

from vesalius.features.writing import whole
from vesalius.measures.neighbours import nearest
from vesalius.select import picked
from vesalius.select.handed import Handed
from vesalius.select.selected import Selected
from vesalius.select.shown import thumbnails

NEEDS: tuple[str, ...] = ("vectors", "map", "table")

_SIDE = 96
_THUMBNAILS = 50_000
"""Candidates beyond which only the picks have a thumbnail: about 200 MB."""
_NEIGHBOURS, _COMPARED = 10, 100_000
"""Neighbours of each candidate, and candidates beyond which they are left out: exact ones take minutes there."""


def write(selected: Selected, out: Path) -> Handed:
    """Name, x, y, selected, order, gain, labels, thumbnail, vector, neighbors."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    assert selected.map is not None
    candidates, picks = selected.candidates, selected.picks
    order = np.zeros(len(candidates), np.int64)
    order[picks.rows] = np.arange(1, len(picks) + 1)
    state = np.full(len(candidates), "not selected", dtype=object)
    state[candidates.chosen], state[picks.rows] = "before", "selected"
    gain = np.full(len(candidates), np.nan)
    gain[picks.rows] = picks.gain
    vectors = np.asarray(candidates.embedded(), np.float32)
    columns: dict[str, Any] = {
        "name": pa.array(candidates.names.tolist()), "x": pa.array(selected.map[:, 0].astype(np.float32)), "y": pa.array(selected.map[:, 1].astype(np.float32)),
        "selected": pa.array(state.tolist()), "order": pa.array(order, mask=order == 0), "gain": pa.array(gain, from_pandas=True),
    }  # fmt: skip
    everything = np.arange(len(candidates))
    for label in selected.labels:
        words = picked.said(selected, label, everything)
        columns[label if label not in columns else f"label.{label}"] = pa.array([None if word is None else str(word) for word in words])
    seen = everything if len(candidates) <= _THUMBNAILS else picks.rows
    pictures: list[dict[str, bytes] | None] = [None] * len(candidates)
    for row, picture in zip(seen.tolist(), thumbnails(selected, seen, _SIDE), strict=True):
        pictures[row] = None if picture is None else {"bytes": picture}
    columns["thumbnail"] = pa.array(pictures, pa.struct([("bytes", pa.binary())]))
    columns["vector"] = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    options = "--x x --y y --vector vector --image thumbnail"
    if 1 < len(candidates) <= _COMPARED:
        rows, distances = nearest(vectors, _NEIGHBOURS)
        columns["neighbors"] = pa.array([{"ids": ids, "distances": far} for ids, far in zip(rows.tolist(), distances.tolist(), strict=True)])
        options += " --neighbors neighbors"
    with whole(out) as temporary:
        pq.write_table(pa.table(columns), temporary)
    gone = sum(pictures[row] is None for row in seen)
    notes = (f"{gone:,} images could not be read and have no thumbnail.",) if gone else ()
    return Handed((out,), f"embedding-atlas {shlex.quote(str(out))} {options}", notes)
