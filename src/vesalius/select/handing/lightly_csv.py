"""``lightly-csv``: Lightly's files of embeddings: ``filenames, embedding_0 ... embedding_(D-1), labels``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.files import atomic_folder
from vesalius.select.handed import Handed
from vesalius.select.selected import Selected

NEEDS: tuple[str, ...] = ("vectors",)

_BLOCK = 8192


def write(selected: Selected, out: Path) -> Handed:
    """``embeddings.csv`` of all candidates, ``selected_embeddings.csv`` of the picks in their order, and of a datapool
    ``selected_embeddings_including_datapool.csv``. ``labels``: the first label's value, 0 where it is not known; nine digits, which give float32 back.
    """
    candidates, picks = selected.candidates, selected.picks.rows
    parts = {"embeddings.csv": np.arange(len(candidates)), "selected_embeddings.csv": picks}
    if len(candidates.chosen):
        parts["selected_embeddings_including_datapool.csv"] = np.concatenate([candidates.chosen, picks])
    with atomic_folder(out) as folder:
        for name, rows in parts.items():
            _write(folder / name, selected, rows)
    return Handed(tuple(out / name for name in parts))


def _write(file: Path, selected: Selected, rows: NDArray[np.int64]) -> None:
    import pandas as pd

    vectors = selected.candidates.embedded()
    values = next(iter(selected.labels.values()), np.zeros(len(selected.candidates)))
    columns = [f"embedding_{i}" for i in range(vectors.shape[1])]
    for start in range(0, max(len(rows), 1), _BLOCK):
        some = rows[start : start + _BLOCK]
        block = pd.DataFrame(np.asarray(vectors[some], np.float32), columns=columns)
        block.insert(0, "filenames", selected.candidates.names[some])
        block["labels"] = np.nan_to_num(values[some]).astype(np.int64)
        block.to_csv(file, mode="a" if start else "w", header=not start, index=False, float_format="%.9g", lineterminator="\n")
