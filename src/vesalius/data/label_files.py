"""A CSV that says what is known of images listed elsewhere: joined by patient, study, series, object or file.

Of the columns that could join it, the most specific one that finds an image is used, and which one that was is said. What
is found nowhere, or contradicts itself, is counted in words that may be written down, and named in words for the terminal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vesalius.data.encoding import encode
from vesalius.data.task import Kind, TaskSpec
from vesalius.errors import UserError

KEYS: Mapping[str, tuple[str, ...]] = {
    "SOPInstanceUID": ("sopinstanceuid", "sopuid", "instanceuid", "imageuid"),
    "file": ("file", "path", "filename", "filepath", "image", "imagepath", "uri"),
    "SeriesInstanceUID": ("seriesinstanceuid", "seriesuid", "series"),
    "StudyInstanceUID": ("studyinstanceuid", "studyuid", "study"),
    "PatientID": ("patientid", "patient", "subjectid", "subject"),
}
"""What may join a table to images, the most specific first, and how its column may be called (any case, with or without
underscores and spaces)."""

_NAMED = 5


@dataclass
class Joined:
    """What a CSV says of each image: ``columns`` as in a sample table, what its labels mean, and what was found on the way.

    ``warnings`` hold counts; ``asides`` hold names too, and are for the terminal alone.
    """

    columns: dict[str, Any] = field(default_factory=dict)
    class_names: dict[str, list[str]] = field(default_factory=dict)
    task: TaskSpec | None = None
    warnings: list[str] = field(default_factory=list)
    asides: list[str] = field(default_factory=list)


def join(
    file: Path,
    images: Mapping[str, Sequence[str | None]],
    labels: Sequence[str] | bool | None = None,
    kind: Kind | None = None,
) -> Joined:
    """What ``file`` says of images whose keys are ``images`` (of KEYS, each as long as there are images).

    ``labels``: its columns; None takes those called label or label.NAME, or the only one that is no key. Raises UserError
    for a file without a key, without such columns, or of which no row is about any image.
    """
    frame, keys = _read(file)
    names, columns = _labels(frame, [*keys.values()], labels, file)
    tried = [(key, *_matched(frame[column], images[key], key)) for key, column in keys.items()]
    key, rows, ambiguous = max(tried, key=lambda found: bool((found[1] >= 0).any()))
    if not (rows >= 0).any():
        raise UserError(_nothing(file, frame, images, keys))
    joined = Joined(warnings=[f"The label table was joined by {key}."])
    if others := [name for name in keys if name != key]:
        joined.warnings[0] = f"The label table was joined by {key}, the most specific of its columns that finds images, and not by {' or '.join(others)}."
    rows, contradicted = _settled(frame, keys[key], columns + [c for c in ("split",) if c in frame], rows, images[key])
    _tell(joined, frame[keys[key]], rows, ambiguous, contradicted)
    used = np.unique(rows[rows >= 0])
    if columns and len(used):
        renamed = frame.rename(columns=dict(zip(columns, names, strict=True)))[names].iloc[used].reset_index(drop=True)
        codes, joined.class_names, joined.task = encode(renamed, names, kind)
        place = np.searchsorted(used, rows)
        for name, values in codes.items():
            known = np.append(values, np.nan)
            joined.columns[f"label.{name}"] = known[np.where(rows >= 0, place, len(values))]
    if "split" in frame:
        joined.columns["split"] = frame["split"].reindex(rows).where(rows >= 0).to_numpy()
    return joined


def _read(file: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table, its keys read as text so that 007 stays 007, and the columns that are keys."""
    if not file.is_file():
        raise UserError(f"There is no label table {file}. Give data.labels_file the path of a CSV that exists.")
    separator = "\t" if file.suffix.lower() == ".tsv" else ","
    try:
        with file.open("rb") as stream:
            head = pd.read_csv(stream, sep=separator, nrows=0)
        called = {_plain(name): str(name) for name in reversed(head.columns)}
        keys = {key: called[word] for key, words in KEYS.items() for word in reversed(words) if word in called}
        with file.open("rb") as stream:
            frame = pd.read_csv(stream, sep=separator, dtype=dict.fromkeys(keys.values(), str))
    except (ValueError, OSError) as error:  # pandas' own errors are ValueErrors
        raise UserError(
            f"The label table {file} cannot be read: {error}. Save it as CSV with one header line (UTF-8)."
        ) from None
    if not keys:
        raise UserError(
            f"The label table {file} has no column that says which image a row is about. Call it one of {', '.join(KEYS)};"
            f" its columns are {', '.join(map(str, frame.columns))}."
        )
    for column in keys.values():
        frame[column] = frame[column].str.strip()
    if "split" not in frame and "split" in called:
        frame = frame.rename(columns={called["split"]: "split"})
    return frame, keys


def _plain(name: Any) -> str:
    return "".join(letter for letter in str(name).lower() if letter.isalnum())


def _labels(
    frame: pd.DataFrame, keys: Sequence[str], labels: Sequence[str] | bool | None, file: Path
) -> tuple[list[str], list[str]]:
    """Names of the labels, and their columns."""
    free = [str(name) for name in frame.columns if name not in keys and name != "split"]
    own = [name for name in free if name.startswith("label.") or name.lower() == "label"]
    if labels is False:
        return [], []
    if labels is None or labels is True:
        chosen = own or (free if len(free) == 1 else [])
        if not chosen:
            raise UserError(
                f"The label table {file} has no column called label or label.NAME. Say with data.labels which are labels:"
                f" {', '.join(free) or 'it has no others'}."
            )
        return [name.removeprefix("label.") for name in chosen], chosen
    columns = []
    for label in labels:
        column = next((name for name in (label, f"label.{label}") if name in free), None)
        if column is None:
            near = get_close_matches(label, free, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UserError(f"The label table {file} has no column {label!r} to be a label.{hint} It has {', '.join(free) or 'none'}.")
        columns.append(column)
    return [column.removeprefix("label.") for column in columns], columns


def _matched(column: pd.Series, images: Sequence[str | None], key: str) -> tuple[NDArray[np.int64], list[str]]:
    """The row of the table for each image, -1 for none, and the table's words that could mean several files."""
    first: dict[str, int] = {}
    for row, word in enumerate(column):
        if isinstance(word, str) and word:
            first.setdefault(word.replace("\\", "/").removeprefix("./") if key == "file" else word, row)
    if key != "file":
        return np.array([first.get(str(image), -1) for image in images], np.int64), []
    rows = np.full(len(images), -1, np.int64)
    meant: dict[str, set[str]] = defaultdict(set)
    for uri in {str(image) for image in images}:
        name = uri.rpartition("/")[2]
        for word in {name, name.rpartition(".")[0] or name}:
            meant[word].add(uri)
    row_of, ambiguous = {}, []
    known = {str(image) for image in images}
    for word, row in first.items():
        if word in known:
            row_of[word] = row
            continue
        uris = meant.get(word.rpartition("/")[2], set())
        ends = {uri for uri in uris if word.endswith(f"/{uri}")}  # a path that begins above the folder
        if len(ends or uris) == 1:
            row_of.setdefault(next(iter(ends or uris)), row)
        elif uris:
            ambiguous.append(word)
    for image, name_of_file in enumerate(images):
        rows[image] = row_of.get(str(name_of_file), -1)
    return rows, ambiguous


def _settled(
    frame: pd.DataFrame, key: str, columns: Sequence[str], rows: NDArray[np.int64], images: Sequence[str | None]
) -> tuple[NDArray[np.int64], list[str]]:
    """``rows`` without those about which other rows of the same key say something else."""
    if not columns:
        return rows, []
    again = frame[frame[key].duplicated(keep=False) & frame[key].notna()]
    if not len(again):
        return rows, []
    differ = again.groupby(key)[list(columns)].nunique(dropna=False).gt(1).any(axis=1)
    contradicted = [str(word) for word in differ.index[differ]]
    bad = frame[key].isin(contradicted).to_numpy()
    return np.where((rows >= 0) & np.append(bad, False)[rows], -1, rows), contradicted


def _tell(joined: Joined, words: pd.Series, rows: NDArray[np.int64], ambiguous: list[str], contradicted: list[str]) -> None:
    """Count what is not joined, and name the first for the terminal."""
    used = set(words.iloc[np.unique(rows[rows >= 0])])
    known = {*used, *ambiguous, *contradicted}
    lost = [str(word) for word in words.dropna().unique() if word not in known]
    for these, said in (
        (contradicted, "are labelled twice, and differently; their images have no label"),
        (ambiguous, "could mean several files; give them with their folder"),
        (lost, "match no image"),
    ):
        if these:
            joined.warnings.append(f"{len(these):,} of the label table's {words.nunique():,} entries {said}.")
            joined.asides.append(f"Labels: {', '.join(these[:_NAMED])}{' ...' if len(these) > _NAMED else ''} {said}.")
    if empty := int(words.isna().sum()):
        joined.warnings.append(f"{empty:,} rows of the label table say of no image that they are about it.")
    if unlabelled := int((rows < 0).sum()):
        joined.warnings.append(f"{unlabelled:,} of {len(rows):,} images have no label.")


def _nothing(file: Path, frame: pd.DataFrame, images: Mapping[str, Sequence[str | None]], keys: Mapping[str, str]) -> str:
    key = next(iter(keys))
    theirs, ours = ([str(w) for w in words if isinstance(w, str) and w][:2] for words in (frame[keys[key]], images[key]))
    return (
        f"No row of the label table {file} is about any of the images, by {' or '.join(keys)}. By {key}, the table holds"
        f" {', '.join(theirs) or 'nothing'}, the images {', '.join(ours) or 'nothing'}. Correct the column, or give the folder"
        " that the table belongs to."
    )
