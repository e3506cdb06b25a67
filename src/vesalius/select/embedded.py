"""The stage that embeds: vectors of images and of their objects in the run's folder, rows in the order of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.dataset import DataSet
from vesalius.encoders.encoder import Encoder
from vesalius.features.records import left_out
from vesalius.features.writing import write
from vesalius.runs import Run
from vesalius.select.candidates import Objects
from vesalius.select.embedding import How, opened, vectors_of
from vesalius.select.pool import Pool
from vesalius.terminal import Terminal

VECTORS = "vectors.npy"
_NAMED = 5


@dataclass(frozen=True)
class Embedded:
    """``pool`` of the images that have a vector, or of all where nothing is embedded; ``vectors`` (N, D), maybe mapped from disk; ``objects``
    by task; ``selected``: rows that a file of embeddings says were selected.
    """

    pool: Pool
    vectors: NDArray[Any] | None = None
    objects: Mapping[str, Objects] = field(default_factory=dict)
    selected: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


def embed_images(encoder: Encoder, pool: Pool, how: How, run: Run, terminal: Terminal, *, once: bool, before: NDArray[np.uint64]) -> dict[str, Any]:
    """Write ``vectors.npy`` (n, d) with its ids, ``left_out.json`` and ``duplicates.json``; facts for the results.

    ``once``: of images with equal content only the first by name is kept, or one of the ids ``before``, which were selected earlier.
    Names of files that could not be read, or are there twice, go to the terminal alone.
    """
    data = opened(encoder, pool.table, how, terminal)
    run.write_json("left_out.json", left_out(data))
    if lost := [number for number, _ in data.store.left_out]:
        named = ", ".join(pool.table.locate(lost[:_NAMED])) + (" ..." if len(lost) > _NAMED else "")
        terminal.say(f"{len(lost):,} file{'s' * (len(lost) > 1)} could not be read and cannot be selected: {named}")
    rows, twins = _once(data, data.rows(), before) if once else (data.rows(), [])
    run.write_json("duplicates.json", [{"id": f"{int(data.store.ids[a]):016x}", "of": f"{int(data.store.ids[b]):016x}"} for a, b in twins])
    if twins:
        named = ", ".join(pool.table.locate([int(data.store.ids[a]) for a, _ in twins[:_NAMED]])) + (" ..." if len(twins) > _NAMED else "")
        terminal.say(f"{len(twins):,} file{'s hold' if len(twins) > 1 else ' holds'} the same image as another and cannot be selected beside it: {named}")
    vectors = vectors_of(encoder, data, rows, how, terminal, f"embedding {data.public}")
    _keep(run, VECTORS, data, rows, vectors)
    return {"rows": len(rows), "dim": int(vectors.shape[1]), "left_out": len(lost), "duplicates": len(twins)}


def embed_objects(encoder: Encoder, task: str, crops: Any, how: How, run: Run, terminal: Terminal) -> dict[str, Any]:
    """Write the vectors of the objects of ``task``, a table of boxes whose ``parent`` is the image's id."""
    data = opened(encoder, crops, how, terminal)
    rows = data.rows()
    vectors = vectors_of(encoder, data, rows, how, terminal, f"embedding objects of {task}")
    parents = data.table.frame["parent"].to_numpy(np.uint64)[data.table_rows(rows)]
    _keep(run, file_of(task), data, rows, vectors, owner=[f"{int(i):016x}" for i in parents])
    return {"objects": len(rows), "left_out": len(data.store.left_out)}


def file_of(task: str) -> str:
    """Where the vectors of the objects of ``task`` lie in the run."""
    return f"objects-{''.join(c if c.isalnum() or c in '-_' else '-' for c in task)}.npy"


def read(folder: Path, pool: Pool, tasks: Sequence[str]) -> Embedded:
    """What the stage left: the pool of those that have a vector, with their vectors."""
    ids = _ids(folder / VECTORS, "id")
    have = pool.take(np.isin(pool.table.ids, ids))
    place = np.argsort(ids)
    order = place[np.searchsorted(ids, have.table.ids, sorter=place)]
    vectors = np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)
    if not (order == np.arange(len(order))).all() or len(vectors) != len(order):
        vectors = vectors[order]
    objects = {}
    row_of = {int(i): row for row, i in enumerate(have.table.ids)}
    for task in tasks:
        owners = [row_of.get(int(i), -1) for i in _ids(folder / file_of(task), "owner")]
        known = np.asarray(owners, np.int64)
        parts = np.load(folder / file_of(task), mmap_mode="r", allow_pickle=False)
        objects[task] = Objects(parts[known >= 0], known[known >= 0])
    return Embedded(have, vectors, objects)


def _once(data: DataSet, rows: NDArray[np.int64], before: NDArray[np.uint64]) -> tuple[NDArray[np.int64], list[tuple[int, int]]]:
    """Of records with equal content the first, those of ``before`` being ahead, and the others with the one that stands for them."""
    earlier = np.isin(data.store.ids[rows], before)
    ahead = np.argsort(~earlier, kind="stable")
    _, first, which = np.unique(data.store.digests[rows][ahead], return_index=True, return_inverse=True)
    stands = np.empty(len(rows), np.int64)
    stands[ahead] = ahead[first[which]]
    twice = (stands != np.arange(len(rows))) & ~earlier
    return rows[~twice], [(int(rows[at]), int(rows[stands[at]])) for at in np.flatnonzero(twice)]


def _keep(run: Run, name: str, data: DataSet, rows: NDArray[np.int64], vectors: NDArray[np.float32], **columns: Any) -> None:
    import pandas as pd

    about = pd.DataFrame({"id": [f"{int(i):016x}" for i in data.store.ids[rows]], **columns})
    write(run.path / name, about, vectors, {})


def _ids(file: Path, column: str) -> NDArray[np.uint64]:
    import pandas as pd

    known = pd.read_csv(file.with_suffix(".ids.csv"), dtype=str)[column]
    return np.asarray([int(text, 16) for text in known], np.uint64)
