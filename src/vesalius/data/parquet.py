"""A sample table as one Parquet file: its columns, and all else as JSON in the file's metadata."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vesalius import files
from vesalius.data.containers import SourceContainer
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec
from vesalius.errors import UserError

_KEY = b"vesalius"
_LISTS = {"box": pa.list_(pa.int64()), "spacing": pa.list_(pa.float64())}


def save(table: SampleTable, path: Path) -> Path:
    """Write ``table`` to ``path``; readable by this user alone (mode 0600) where the table is private.

    Raises UserError where the pixels come from a function of the caller's.
    """
    if table.container is not None and not isinstance(table.container, SourceContainer):
        raise UserError(
            f"The table of {table.source} reads its pixels by a function of its own, which a file cannot hold. Save the"
            " reference to your Python file instead."
        )
    arrays, names = [], []
    for name in map(str, table.frame.columns):
        column = table.frame[name]
        if name in _LISTS:
            arrays.append(pa.array([None if v is None else list(v) for v in column], type=_LISTS[name]))
        else:
            arrays.append(pa.Array.from_pandas(column))
        names.append(name)
    about = {
        "version": 1,
        "source": table.source,
        "root": table.root,
        "class_names": table.class_names,
        "warnings": table.warnings,
        "task": None if table.task is None else table.task.as_dict(),
        "container": None if table.container is None else table.container.source,
        "licence": table.licence,
        "split_by": table.split_by,
        "private": table.private,
        "uncertain": table.uncertain,
        "dims": table.dims,
    }
    arrow = pa.Table.from_arrays(
        [a.combine_chunks() if isinstance(a, pa.ChunkedArray) else a for a in arrays], names=names
    )
    arrow = arrow.replace_schema_metadata({_KEY: json.dumps(about).encode()})
    buffer = io.BytesIO()
    pq.write_table(arrow, buffer, compression="zstd")
    return files.atomic_write(path, buffer.getvalue(), mode=0o600 if table.private else 0o666)


def is_sample_table(path: Path) -> bool:
    """Whether ``path`` is a Parquet file written by ``save``. Raises UserError when it is no Parquet file."""
    try:
        with files.opened(path) as file:
            return _KEY in (pq.read_schema(file).metadata or {})
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path} cannot be read as Parquet: {error}. Write it again, or give a CSV file.") from None


def load(path: Path) -> SampleTable:
    """The table that ``save`` wrote, checked anew. Raises UserError where there is no such file, or a table of another kind."""
    if not path.is_file():
        raise UserError(f"There is no table {path}. Give the path of a table that was saved.")
    if not is_sample_table(path):
        raise UserError(
            f"{path} is a Parquet file, but not a saved sample table. Give it as a data reference: it is then read as a"
            " table of paths and labels."
        )
    with files.opened(path) as file:
        arrow = pq.read_table(file)
    about = json.loads(arrow.schema.metadata[_KEY])
    columns: dict[str, object] = {}
    for name in arrow.column_names:
        column = arrow[name]
        if name in _LISTS:
            columns[name] = pd.Series([None if v is None else tuple(v) for v in column.to_pylist()], dtype=object)
        elif name in ("parent", "width", "height", "depth"):
            kind = "UInt64" if name == "parent" else "Int64"
            columns[name] = pd.Series(pd.array(column.to_pylist(), dtype=kind))
        else:
            columns[name] = column.to_pandas()
    root, source = about["root"], about["container"]
    return SampleTable(
        pd.DataFrame(columns, index=pd.RangeIndex(arrow.num_rows)),
        about["source"],
        root,
        class_names=about["class_names"],
        warnings=about["warnings"],
        task=None if about["task"] is None else TaskSpec(**about["task"]),
        container=None if source is None else SourceContainer(source, root),
        licence=about["licence"],
        split_by=about["split_by"],
        private=about["private"],
        uncertain=about.get("uncertain"),
        dims=about.get("dims", 2),
    )
