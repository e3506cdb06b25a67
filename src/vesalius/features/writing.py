"""Write vectors with what is known of their rows: Parquet, .npy beside a table of ids, or CSV, by suffix."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError
from vesalius.files import naming_failures, sibling, sync_folder

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 8192
"""Rows in memory at a time."""


def suffix_of(path: Path) -> str:
    """``.parquet``, ``.npy`` or ``.csv``. Raises UserError for another."""
    if path.suffix not in _WRITERS:
        raise UserError(f"{path.name} ends in {path.suffix or 'nothing'}. Name a file ending in {', '.join(_WRITERS)}.")
    return path.suffix


def write(path: Path, about: pd.DataFrame, vectors: NDArray[np.float32], facts: Mapping[str, Any]) -> list[Path]:
    """Write ``vectors`` (N, D) and ``about`` (N rows) to ``path``, each file whole or not at all; returns the files.

    ``facts`` (encoder, layer ...) go into Parquet's metadata. Parquet: the columns of ``about`` and ``vector``, a list
    of D float32. ``.npy``: the array, for ``np.load(mmap_mode="r")``, and ``NAME.ids.csv``, a row for each of its rows.
    CSV: the columns of ``about`` and v0 to v(D-1), nine digits each, which give float32 back exactly.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return _WRITERS[suffix_of(path)](path, about, vectors, facts)


def _parquet(path: Path, about: pd.DataFrame, vectors: NDArray[np.float32], facts: Mapping[str, Any]) -> list[Path]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def table(rows: slice) -> Any:
        known = pa.Table.from_pandas(about.iloc[rows], preserve_index=False)
        flat = pa.array(np.ascontiguousarray(vectors[rows]).reshape(-1))
        return known.append_column("vector", pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]))

    # one schema for all blocks: a block whose labels are all unknown would otherwise get another type
    known = pa.Schema.from_pandas(about, preserve_index=False)
    schema = known.append(pa.field("vector", pa.list_(pa.float32(), vectors.shape[1])))
    schema = schema.with_metadata({**(schema.metadata or {}), "vesalius": json.dumps(dict(facts))})
    with whole(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for rows in _slices(len(vectors)):
            writer.write_table(table(rows).cast(schema))
    return [path]


def _npy(path: Path, about: pd.DataFrame, vectors: NDArray[np.float32], facts: Mapping[str, Any]) -> list[Path]:
    ids = path.with_suffix(".ids.csv")
    with whole(ids) as temporary:
        about.to_csv(temporary, index=False)
    with whole(path) as temporary, temporary.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": tuple(vectors.shape)}
        np.lib.format.write_array_header_2_0(file, header)
        for rows in _slices(len(vectors)):
            file.write(np.ascontiguousarray(vectors[rows], "<f4").tobytes())
    return [path, ids]


def _csv(path: Path, about: pd.DataFrame, vectors: NDArray[np.float32], facts: Mapping[str, Any]) -> list[Path]:
    import pandas as pd

    names = [f"v{i}" for i in range(vectors.shape[1])]
    with whole(path) as temporary:
        for rows in _slices(len(vectors)):
            known = about.iloc[rows].reset_index(drop=True)
            block = pd.concat([known, pd.DataFrame(vectors[rows], columns=names)], axis=1)
            first = rows.start == 0
            block.to_csv(temporary, mode="w" if first else "a", header=first, index=False, float_format="%.9g")
    return [path]


_WRITERS: Mapping[str, Callable[..., list[Path]]] = {".parquet": _parquet, ".npy": _npy, ".csv": _csv}


def _slices(rows: int) -> Iterator[slice]:
    return (slice(start, min(start + _BLOCK, rows)) for start in range(0, max(rows, 1), _BLOCK))


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary sibling that becomes ``path`` when the block ends well."""
    temporary = sibling(path)
    with naming_failures(path):
        try:
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
