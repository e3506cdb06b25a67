"""A CSV, TSV or Parquet table with one row per image (or per frame or box of one), and what is known of each.

The column of files is called path, file, filename, filepath, image, image_path or uri, in any case, or is the one
column of text whose values end in the suffix of an image. Files are relative to the table's folder, or to ``root``.
Columns called split, study, series, view, laterality, mask, frame and box ("x y w h" in pixels) mean what they mean in
every sample table; ``label.NAME`` and a column called ``label`` are labels without being asked for; ``labels=`` names
others; ``subject=`` names whose an image is (or is a regular expression with one group, searched in the path; a column
called subject, patient, patient_id or subject_id is taken without being asked for). Every other column is kept as
``meta.NAME`` in the table alone. A saved sample table (``SampleTable.save``) is read as it is. Licence: the user's own data.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vesalius import files
from vesalius.data import identity, parquet
from vesalius.data.encoding import encode
from vesalius.data.listing import SUFFIXES
from vesalius.data.subjects import hashed, subjects_of
from vesalius.data.table import SampleTable
from vesalius.data.task import Kind, TaskSpec
from vesalius.errors import UserError

TASKS: dict[str, TaskSpec] = {}
_FILES = ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "uri")
_SUBJECTS = ("subject", "subject_id", "patient", "patient_id", "patientid")
_KEPT = ("split", "study", "series", "view", "laterality", "mask")


def index(
    root: Path | None,
    *,
    labels: Sequence[str] | bool | None = None,
    kind: Kind | None = None,
    subject: str | None = None,
    root_of_files: Path | None = None,
) -> SampleTable:
    """The table in the file ``root``; ``root_of_files`` is where relative paths begin, if not at its folder.

    Raises UserError when no column of files is found, a named column is not there, or none of the first files exists.
    """
    assert root is not None
    if root.suffix.lower() == ".parquet" and parquet.is_sample_table(root):
        return parquet.load(root)
    frame = _read(root)
    column = _file_column(frame, root)
    uris, base = _uris(frame[column], root_of_files, root)
    frames = _whole_numbers(frame["frame"], root) if "frame" in frame else None
    boxes = [_box(value, row, root) for row, value in enumerate(frame["box"])] if "box" in frame else None
    columns: dict[str, object] = {name: frame[name] for name in _KEPT if name in frame}
    names, wanted = _wanted_labels(frame, labels, root)
    classes: dict[str, list[str]] = {}
    task = None
    if wanted:
        codes, classes, task = encode(frame.rename(columns=dict(zip(wanted, names, strict=True)))[names], names, kind)
        columns |= {f"label.{name}": values for name, values in codes.items()}
    warnings, whose = _subjects(frame, subject, uris, root)
    if whose is not None:
        columns["subject"] = whose
    taken = {column, "frame", "box", *columns, *wanted}
    columns |= {f"meta.{str(n).removeprefix('meta.')}": frame[n] for n in frame.columns if n not in taken}
    return SampleTable.of(
        "table",
        base,
        uris,
        columns,
        frames=frames,
        boxes=boxes,
        private=True,
        class_names=classes,
        task=task,
        warnings=warnings,
        split_by="source" if "split" in columns else "",
        licence="the user's own data",
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        with files.opened(path) as file:
            if path.suffix.lower() == ".parquet":
                frame = pd.read_parquet(file)
            else:
                frame = pd.read_csv(file, sep="\t" if path.suffix.lower() == ".tsv" else ",")
    except (ValueError, OSError, UnicodeDecodeError) as error:  # pandas' own errors are ValueErrors
        raise UserError(
            f"The table {path} cannot be read: {error}. Save it as CSV with one header line (UTF-8), or as Parquet."
        ) from None
    frame.columns = [str(name).strip() for name in frame.columns]
    if not len(frame):
        raise UserError(f"The table {path} has no rows. Give one row per image.")
    return frame


def _file_column(frame: pd.DataFrame, path: Path) -> str:
    by_name = {str(name).lower().replace(" ", "_"): str(name) for name in reversed(frame.columns)}
    for name in _FILES:
        if name in by_name:
            return by_name[name]
    like = []
    for name in frame.columns:
        first = frame[name].dropna().head(20)
        if len(first) and all(isinstance(v, str) and v.rpartition(".")[2].lower() in SUFFIXES for v in first):
            like.append(str(name))
    if len(like) == 1:
        return like[0]
    raise UserError(
        f"The table {path} has no column of image files: it has {', '.join(map(str, frame.columns))}. Call the column"
        " of paths 'path'."
    )


def _uris(column: pd.Series, root: Path | None, table: Path) -> tuple[list[str], Path]:
    """Paths relative to a folder, and that folder: ``root``, what all addresses have in common, or the table's own."""
    empty = np.flatnonzero(column.isna().to_numpy())
    if len(empty):
        raise UserError(
            f"Row {empty[0]} of {table} names no file in the column {column.name!r}. Give every row its file, or leave"
            " the row out."
        )
    uris = [str(value).replace("\\", "/") for value in column]
    if root is None and all(files.is_remote(uri) for uri in uris):
        root = files.place_of(os.path.commonpath([uri.rpartition("/")[0] for uri in uris]).replace(":/", "://", 1))
    base = root or table.parent
    inside = f"{files.absolute(base)}/"
    uris = [identity.inside(Path(uri), base) if os.path.isabs(uri) else uri.removeprefix(inside).removeprefix("./") for uri in uris]
    if not any((base / uri).exists() for uri in uris[:100]):
        raise UserError(
            f"None of the first {len(uris[:100])} files of {table} exists: {base / uris[0]} is the first. Give the"
            " folder that the paths begin in as root."
        )
    return uris, base


def _whole_numbers(column: pd.Series, table: Path) -> list[int]:
    number = pd.to_numeric(column, errors="coerce")
    bad = np.flatnonzero((number.isna() | (number < 0) | (number != number.round())).to_numpy())
    if len(bad):
        raise UserError(
            f"The column 'frame' of {table} holds {column.iloc[bad[0]]!r} in row {bad[0]}. Frames are numbered from 0."
        )
    return [int(value) for value in number]


def _box(value: Any, row: int, table: Path) -> identity.Box | None:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    sides = value.replace(",", " ").strip("()[] ").split() if isinstance(value, str) else value
    try:
        x, y, width, height = (round(float(side)) for side in sides)
    except (ValueError, TypeError):
        raise UserError(
            f"The column 'box' of {table} holds {value!r} in row {row}. Write a box as 'x y width height' in pixels, or"
            " leave it empty."
        ) from None
    return x, y, width, height


def _wanted_labels(
    frame: pd.DataFrame, labels: Sequence[str] | bool | None, table: Path
) -> tuple[list[str], list[str]]:
    """Names of the labels and the columns they are in."""
    own = [name for name in map(str, frame.columns) if name.startswith("label.") or name.lower() == "label"]
    if labels is False:
        return [], []
    if labels is None or labels is True:
        if labels is True and not own:
            raise UserError(
                f"The table {table} has no column called label or label.NAME. Name the columns that are labels:"
                f" {', '.join(map(str, frame.columns))}."
            )
        return [name.removeprefix("label.") for name in own], own
    columns = []
    for label in labels:
        column = label if label in frame else f"label.{label}"
        if column not in frame:
            near = get_close_matches(label, list(map(str, frame.columns)), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            could = [str(n) for n in frame.columns if 2 <= frame[n].nunique() <= 50]
            raise UserError(
                f"The table {table} has no column {label!r} to be a label.{hint} Columns that could be labels:"
                f" {', '.join(could) or 'none'}."
            )
        columns.append(column)
    return [column.removeprefix("label.") for column in columns], columns


def _subjects(
    frame: pd.DataFrame, subject: str | None, uris: list[str], table: Path
) -> tuple[list[str], list[str | None] | None]:
    by_name = {str(name).lower().replace(" ", "_"): str(name) for name in reversed(frame.columns)}
    column = subject if subject is not None and subject in frame else None
    if column is None and subject is not None:
        if "(" in subject:
            return [], subjects_of(uris, subject)
        near = get_close_matches(subject, list(map(str, frame.columns)), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UserError(
            f"The table {table} has no column {subject!r} of subjects.{hint} Its columns:"
            f" {', '.join(map(str, frame.columns))}. A rule on paths needs one group in brackets."
        )
    column = column or next((by_name[name] for name in _SUBJECTS if name in by_name), None)
    if column is None:
        return [], None
    missing = int(frame[column].isna().sum())
    warnings = [f"{missing} of {len(frame)} rows name no subject."] if missing else []
    return warnings, hashed([None if pd.isna(v) else str(v) for v in frame[column]])
