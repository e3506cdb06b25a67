"""The two sets of chest radiographs that the National Library of Medicine made for the detection of tuberculosis.

Alike in all but size: PNG files whose names end in 0 (normal) or 1 (not normal), beside each a text with sex, age and what was
read. Jaeger et al., "Two public chest X-ray datasets for computer-aided screening of pulmonary diseases", QIMS 2014.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vesalius.data import named_images, shuffled
from vesalius.data.listing import Progress
from vesalius.data.named_images import Told
from vesalius.data.subjects import public
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification

if TYPE_CHECKING:
    import pandas as pd

TASKS: dict[str, TaskSpec] = {"tuberculosis": classification("tuberculosis", "tuberculosis", ("no", "yes"))}
LICENCE = "free use with acknowledgement of the National Library of Medicine"
ASK = "https://openi.nlm.nih.gov/faq (under 'I have heard about the Tuberculosis collection. Where can I get those images?')"
_BYTES = 2000  # more than any reading has


@dataclass(frozen=True)
class Files:
    """How one of the two sets lies: names begin with ``prefix``; ``archive`` unpacks to ``folder``; ``tables`` others made of it;
    ``count`` images it has.
    """

    source: str
    prefix: str
    archive: str
    folder: str
    tables: tuple[str, ...]
    count: int

    @property
    def rule(self) -> re.Pattern[str]:
        """What an image's name is, without its suffix; its last digit is the label."""
        return re.compile(rf"{self.prefix}_(\d{{4}})_([01])")


def index(root: Path, files: Files, task: str | None, progress: Progress | None) -> SampleTable:
    """The table of the images below ``root``: not normal is positive. Raises UserError where none is there, or a table is not one.

    The label is a table's where one of ``files.tables`` is there, else the name's; ``meta.age`` (years) and ``meta.sex`` are the
    readings', else the table's. Contradictions are counted. Each number is taken for a person: nothing else tells.
    """
    found = named_images.look(root, files.rule, progress)
    if not found.places:
        raise named_images.nothing(
            files.source, root, found, f"radiograph called {files.prefix}_0001_0.png, as {files.folder}/CXR_png holds them",
            f"Ask for {files.archive} at {ASK}.",
        )  # fmt: skip
    names = sorted(found.places)
    by_name = {name: float(name[-1]) for name in names}
    readings = {name: _read(root / found.others[f"{name}.txt"]) for name in names if f"{name}.txt" in found.others}
    told = Told(np.array([by_name[name] for name in names]), [], [], ())
    people: dict[str, dict[str, float | str | None]] = {
        "age": {name: reading.age for name, reading in readings.items()},
        "sex": {name: reading.sex for name, reading in readings.items()},
    }
    if table := named_images.first_of(found, files.tables):
        frame = named_images.read_rows(root / table, 4, files.source)
        listed = named_images.stems(frame.iloc[:, 0])
        told = named_images.told(names, by_name, listed, _findings(frame), table.rpartition("/")[2])
        for what, read in people.items():
            people[what] = _column(frame, listed, what) | {name: value for name, value in read.items() if value is not None and value == value}
    _compare(told, names, readings)
    columns = {
        "label.tuberculosis": told.values,
        "subject": public(files.source, [name.split("_")[1] for name in names]),
        "meta.age": [people["age"].get(name, np.nan) for name in names],
        "meta.sex": [people["sex"].get(name) for name in names],
    }
    return SampleTable.of(
        files.source, root, [found.places[name] for name in names], columns, names=names, task=TASKS[task or "tuberculosis"],
        licence=LICENCE, class_names={"tuberculosis": ["no", "yes"]},
        warnings=[*told.warnings, *named_images.fewer(len(names), files.count)], asides=tuple(told.asides), missing=told.missing,
    )  # fmt: skip


def compat(table: SampleTable, files: Files) -> SampleTable:
    """The original's division; see ``shuffled``."""
    csv = named_images.table_in(Path(table.root), files.tables)
    listed = None if csv is None else named_images.stems(named_images.read_rows(csv, 4, files.source).iloc[:, 0])
    return shuffled.by_list(table, listed)


@dataclass(frozen=True)
class _Reading:
    """What one text says: years, M or F, and whether it says normal (0), something else (1), or nothing (NaN)."""

    age: float
    sex: str | None
    label: float


def _read(file: Path) -> _Reading:
    """``Patient's Sex: F / Patient's Age: 027Y / normal``, or ``male 45yrs / bilateral PTB``."""
    with file.open("rb") as stream:
        text = stream.read(_BYTES).decode("latin-1")
    head = re.compile(r"\b(fe)?male\b|\bsex\b|\bage\b|^\s*\d+\s*(?:y|m|d)", re.IGNORECASE)
    finding = " ".join(line.strip() for line in text.splitlines() if not head.search(line)).strip(" .,;").lower()
    return _Reading(_age(text), _sex(text), np.nan if not finding else float(finding != "normal"))


def _age(text: object) -> float:
    """Years: ``45yrs``, ``027Y``, ``6 months``, or a number alone."""
    match = re.search(r"(\d{1,3}(?:\.\d+)?)\s*[-\s]*(y|m|d|$)", str(text).strip(), re.IGNORECASE | re.MULTILINE)
    if match is None:
        return np.nan
    return float(match[1]) / {"m": 12.0, "d": 365.25}.get(match[2].lower(), 1.0)


def _sex(text: object) -> str | None:
    match = re.search(r"\b(f|female|m|male)\b", str(text), re.IGNORECASE)
    return None if match is None else match[1][0].upper()


def _findings(frame: pd.DataFrame) -> list[float]:
    """The fourth column: normal, or what was found."""
    words = frame.iloc[:, 3]
    return [np.nan if empty else float(str(word).strip().lower() != "normal") for word, empty in zip(words, words.isna(), strict=True)]


def _column(frame: pd.DataFrame, listed: list[str], what: str) -> dict[str, float | str | None]:
    """What a table's column of ages or of sexes says of each image."""
    called = {"age": ("age",), "sex": ("sex", "gender")}[what]
    column = next((name for name in frame.columns if name.lower() in called), None)
    if column is None:
        return {}
    return {name: _age(value) if what == "age" else _sex(value) for name, value in zip(listed, frame[column], strict=True)}


def _compare(told: Told, names: list[str], readings: dict[str, _Reading]) -> None:
    """Say of how many images the reading contradicts the label."""
    differ = [name for name, label in zip(names, told.values, strict=True) if (1 - label) == (readings[name].label if name in readings else np.nan)]
    if differ:
        told.warnings.append(f"Of {len(differ):,} of {len(readings):,} images the clinical reading contradicts the label, which is kept.")
        told.asides.append(f"The reading contradicts the label: {', '.join(differ[:5])}{' ...' * (len(differ) > 5)}")
