"""Embeddings of the user's own: Lightly's CSV, a table of ``vesalius embed``, or an array with a list of names beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError

_NAMES = ("filenames", "name", "uri", "filename", "file_name")
_LISTS = ("vector", "embedding", "embeddings")
_NUMBERED = re.compile(r"(?:embedding_|v)(\d+)")
_SHOWN = 3
_BLOCK = 65_536


@dataclass(frozen=True)
class Table:
    """What a file holds: ``names`` (M,), ``vectors`` (M, D), and of Lightly's older files ``masked`` and ``selected`` (M,), False where it says nothing."""

    names: NDArray[np.str_]
    vectors: NDArray[Any]
    masked: NDArray[np.bool_]
    selected: NDArray[np.bool_]


def read(path: str | Path, names: Sequence[str] | NDArray[np.str_]) -> NDArray[Any]:
    """``(N, D)`` the vector of each of ``names``, float32; what is mapped from an ``.npy`` in this order stays mapped.

    Raises UserError for a file that cannot be read, names it does not have or has twice, and numbers that are none.
    """
    return with_marks(path, names)[0]


def with_marks(path: str | Path, names: Sequence[str] | NDArray[np.str_]) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
    """What ``read`` gives, and ``(N,)`` twice: which of ``names`` the file says to ignore (``masked``), and which were selected before (``selected``)."""
    path = Path(path).expanduser()
    table = load(path)
    rows = _rows(table.names, np.asarray(names, dtype=np.str_), path)
    in_order = len(rows) == len(table.names) and bool((rows == np.arange(len(rows))).all())
    vectors: NDArray[Any] = table.vectors if in_order else np.asarray(table.vectors[rows])
    _refuse_not_finite(vectors, names, path)
    kept = vectors if vectors.dtype in (np.float32, np.float16) else vectors.astype(np.float32)
    return kept, table.masked[rows], table.selected[rows]


def load(path: Path) -> Table:
    """All that the file holds. Raises UserError where it is not there, of another kind, or not as it should be."""
    if path.suffix not in _READERS:
        raise UserError(f"{path.name} ends in {path.suffix or 'nothing'}. Embeddings are read from a file ending in {', '.join(_READERS)}.")
    if not path.is_file():
        raise UserError(f"There is no file of embeddings {path}. Give one: Lightly's CSV, or what `vesalius embed --out` wrote.")
    table = _READERS[path.suffix](path)
    if table.vectors.ndim != 2 or not table.vectors.shape[1]:
        raise UserError(f"{path.name} holds an array of shape {table.vectors.shape}, and embeddings are a row of numbers for each image.")
    if len(table.names) != len(table.vectors):
        raise UserError(f"{path.name} holds {len(table.vectors):,} vectors, and {len(table.names):,} names are listed for them. Give a name for each.")
    return table


def _csv(path: Path) -> Table:
    from pyarrow import ArrowInvalid, csv, float32, string

    try:
        with path.open("rb") as file:
            header = [word.strip().strip('"') for word in file.readline().decode("utf-8-sig").rstrip("\r\n").split(",")]
        known = _vector_columns(header)
        types = {name: float32() for name in known} | {name: string() for name in _NAMES}
        wanted = [name for name in header if name in known or name in (*_NAMES, "frame", "masked", "selected")]
        found = csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types, include_columns=wanted))
    except (ArrowInvalid, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())[:200]
        raise UserError(f"{path.name} cannot be read as a table of embeddings: {said} Correct that line, or write the file anew.") from error
    return _of_columns(path, found, known)


def _parquet(path: Path) -> Table:
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    try:
        header = pq.read_schema(path).names
        known = _vector_columns(header)
        wanted = [name for name in header if name in known or name in (*_LISTS, *_NAMES, "frame", "masked", "selected")]
        found = pq.read_table(path, columns=wanted)
    except (ArrowException, OSError) as error:
        raise UserError(f"{path.name} cannot be read as Parquet ({type(error).__name__}). Write it anew.") from error
    return _of_columns(path, found, known)


def _npy(path: Path) -> Table:
    """Beside ``NAME.npy`` lies ``NAME.ids.csv``, as ``vesalius embed --out`` writes it, or ``NAME.txt`` with a name on each line."""
    try:
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path.name} cannot be read as an array ({type(error).__name__}). Write it anew, as numpy.save writes float32.") from error
    table, lines = path.with_suffix(".ids.csv"), path.with_suffix(".txt")
    if lines.is_file():
        names = np.asarray([_plain(line) for line in lines.read_text(encoding="utf-8").splitlines() if line.strip()], dtype=np.str_)
    elif table.is_file():
        import pandas as pd

        names = _names({str(name): column.to_numpy() for name, column in pd.read_csv(table).items()}, table)
    else:
        raise UserError(f"{path.name} says nothing of whose vectors it holds. Put {lines.name} beside it, with an image's name on each line, or {table.name}.")
    none = np.zeros(len(names), bool)
    return Table(names, vectors, none, none)


_READERS: Mapping[str, Callable[[Path], Table]] = {".csv": _csv, ".parquet": _parquet, ".npy": _npy}


def _vector_columns(header: Sequence[str]) -> list[str]:
    """``embedding_0`` ... or ``v0`` ..., by number."""
    numbered = {int(fits[1]): name for name in header if (fits := _NUMBERED.fullmatch(name))}
    return [numbered[number] for number in sorted(numbered)]


def _of_columns(path: Path, found: Any, known: Sequence[str]) -> Table:
    columns = {name: found.column(name) for name in found.column_names}
    lists = next((columns[name] for name in _LISTS if name in columns), None)
    if known:
        vectors = np.empty((found.num_rows, len(known)), np.float32)
        for number, name in enumerate(known):
            vectors[:, number] = columns[name].to_numpy()
    elif lists is not None:
        vectors = _of_lists(path, lists)
    else:
        raise UserError(f"{path.name} has no column of embeddings: neither embedding_0, embedding_1 ... (Lightly's) nor vector. It has {_few(list(columns))}.")
    names = _names({name: column.to_numpy(zero_copy_only=False) for name, column in columns.items() if name in (*_NAMES, "frame")}, path)
    none = np.zeros(len(names), bool)
    marks = [np.asarray(columns[name].to_numpy(zero_copy_only=False)).astype(bool) if name in columns else none for name in ("masked", "selected")]
    return Table(names, vectors, *marks)


def _of_lists(path: Path, column: Any) -> NDArray[np.float32]:
    """A column of lists, all of the same length."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.unique(pc.list_value_length(column)).to_pylist()
    if len(lengths) > 1:
        said = ", ".join(f"{length} numbers" if length is not None else "nothing" for length in sorted(lengths, key=lambda n: -1 if n is None else n)[:_SHOWN])
        raise UserError(f"The vectors of {path.name} differ in length ({said}). Give vectors of one encoder.")
    flat = pa.chunked_array([pc.list_flatten(chunk) for chunk in column.chunks], column.type.value_type)
    found: NDArray[np.float32] = flat.to_numpy().astype(np.float32, copy=False).reshape(len(column), -1)
    return found


def _names(columns: Mapping[str, NDArray[Any]], path: Path) -> NDArray[np.str_]:
    """Names as a selection knows images by: ``uri``, of one of several frames or of an array's rows ``uri#frame``."""
    name = next((name for name in _NAMES if name in columns), None)
    if name is None:
        raise UserError(f"{path.name} has no column of names (filenames, name or uri), so that nobody knows whose vectors these are. Add it.")
    names = np.asarray([_plain(str(one)) for one in columns[name]], dtype=np.str_)
    frames = columns.get("frame")
    if name == "uri" and frames is not None and np.any(np.asarray(frames, np.int64)):
        names = np.char.add(np.char.add(names, "#"), np.asarray(frames, np.int64).astype(np.str_))
    return names


def _plain(name: str) -> str:
    return name.strip().replace("\\", "/").removeprefix("./")


def _rows(have: NDArray[np.str_], wanted: NDArray[np.str_], path: Path) -> NDArray[np.int64]:
    """The row of each wanted name."""
    if len(have) == len(wanted) and (have == wanted).all():
        return np.arange(len(have))
    import pandas as pd

    index = pd.Index(have.astype(object))
    if not index.is_unique:
        twice = index[index.duplicated()].unique()
        raise UserError(f"{path.name} has more than one vector for {_few(twice.tolist())}. Leave one of each.")
    rows = index.get_indexer(pd.Index(wanted.astype(object)))
    if (rows < 0).any():
        lacking = wanted[rows < 0]
        near = f" Its names look like {have[0]}: they are relative to the data's root." if len(have) and len(lacking) == len(wanted) else ""
        raise UserError(
            f"{path.name} has no vector for {len(lacking):,} of {len(wanted):,} images, among them {_few(lacking.tolist())}.{near} Embed them too, or name "
            "the images that have one (relevant_filenames_file)."
        )
    kept: NDArray[np.int64] = rows.astype(np.int64)
    return kept


def _refuse_not_finite(vectors: NDArray[Any], names: Sequence[str] | NDArray[np.str_], path: Path) -> None:
    bad: list[int] = []
    for start in range(0, len(vectors), _BLOCK):
        bad += (start + np.flatnonzero(~np.isfinite(vectors[start : start + _BLOCK]).all(1))).tolist()
    if bad:
        said = _few([str(names[row]) for row in bad])
        raise UserError(f"{path.name} holds NaN or infinite numbers for {len(bad):,} images, among them {said}. Leave these images out, or embed them anew.")


def _few(names: Sequence[Any]) -> str:
    return ", ".join(map(str, names[:_SHOWN])) + (" ..." if len(names) > _SHOWN else "")
