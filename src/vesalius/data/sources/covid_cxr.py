"""Chest radiographs graded CVX0 to CVX3 for COVID-19, in the layout of InnerEye's CovidDataset.

``dataset.csv`` with ``subject``, ``filepath`` (below the folder) and ``final_label`` (0 to 3, or empty), beside DICOM, PNG
or JPEG files. CVX0: normal; CVX1: classic COVID-19; CVX2: indeterminate; CVX3: another disease (the grades of the British
Society of Thoracic Imaging). The task ``cvx03-vs-cvx12`` is InnerEye's: {0, 3} against {1, 2}. InnerEye published the
layout, not the images: names of files and people are taken for private. Licence: the user's own data.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.data.source_tables import read_table
from vesalius.data.subjects import hashed
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification
from vesalius.errors import UserError

SOURCE, CSV = "covid-cxr", "dataset.csv"
GRADES = ("CVX0", "CVX1", "CVX2", "CVX3")
SIDES = ("CVX03", "CVX12")
TASKS: dict[str, TaskSpec] = {
    "cvx03-vs-cvx12": classification("cvx03-vs-cvx12", "cvx03-vs-cvx12", SIDES),
    "four": classification("four", "four", GRADES),
}
CONTRASTS = {"four": {"CVX12 against CVX03": ((0, 3), (1, 2)), "CVX3 against CVX0": ((0,), (3,)), "CVX2 against CVX1": ((1,), (2,))}}
"""The original's hierarchy of questions about the four grades: the grades of no, and those of yes."""
_COLUMNS = ("subject", "filepath", "final_label")


def index(root: Path | None, *, task: str | None = None) -> SampleTable:
    """The table of the images that are there. Raises UserError where ``dataset.csv``, a column or every image is missing."""
    import pandas as pd

    assert root is not None
    csv = root / CSV
    if not csv.is_file():
        raise UserError(
            f"The folder {root} holds no {CSV}. Write one with the columns {', '.join(_COLUMNS)} (a person, a file below the"
            f" folder, a grade from 0 to 3 or nothing), and give the folder as {SOURCE}@FOLDER."
        )
    raw = read_table(
        csv, _COLUMNS, what="InnerEye's table", remedy="Save it with one header line (UTF-8).", dtype={"subject": str, "filepath": str}
    )
    if raw["filepath"].isna().any():
        raise UserError(f"Row {int(raw['filepath'].isna().to_numpy().argmax())} of {CSV} names no file. Give it one, or leave the row out.")
    grades = pd.to_numeric(raw["final_label"], errors="coerce").to_numpy(np.float64)
    wrong = ~np.isin(grades, range(4)) & raw["final_label"].notna().to_numpy()
    if wrong.any():
        value = raw["final_label"][wrong].iloc[0]
        raise UserError(f"{CSV} holds the final_label {value}. Grades are 0, 1, 2 and 3, or nothing where none was given.")
    uris = [str(uri).strip().replace("\\", "/").removeprefix("./") for uri in raw["filepath"]]
    there = _there(root, uris)
    if not there.any():
        raise UserError(
            f"None of the {len(uris):,} images that {CSV} lists is there; the first would be {root / uris[0]}. Correct the paths,"
            " which begin in the folder of the table."
        )
    missing = [uri for uri, known in zip(uris, there, strict=True) if not known]
    warnings = [f"{len(missing):,} of {len(uris):,} images that {CSV} lists are not there; they are left out."] if missing else []
    people = [None if pd.isna(name) else str(name).strip() for name in raw["subject"]]
    if lacking_people := sum(name is None for name in people):
        warnings.append(f"{lacking_people} of {len(people)} rows name no subject.")
    sides = np.where(np.isnan(grades), np.nan, np.isin(grades, (1, 2)))
    return SampleTable.of(
        SOURCE,
        root,
        [uri for uri, known in zip(uris, there, strict=True) if known],
        {
            "subject": [name for name, known in zip(hashed(people), there, strict=True) if known],
            "label.cvx03-vs-cvx12": sides[there],
            "label.four": grades[there],
        },
        class_names={"cvx03-vs-cvx12": list(SIDES), "four": list(GRADES)},
        task=TASKS[task or "cvx03-vs-cvx12"],
        licence="the user's own data",
        private=True,
        warnings=warnings,
        missing=tuple(missing),
    )


def _there(root: Path, uris: list[str]) -> NDArray[np.bool_]:
    """``(N,)`` whether each file is there: one listing a folder, not one question a file."""
    names: dict[str, set[str]] = {}
    for folder in {uri.rpartition("/")[0] for uri in uris}:
        place = root / folder if folder else root
        names[folder] = {path.name for path in place.iterdir()} if place.is_dir() else set()
    return np.array([name in names[folder] for folder, _, name in (uri.rpartition("/") for uri in uris)], bool)
