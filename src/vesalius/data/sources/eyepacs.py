"""EyePACS (Kaggle 2015): 88,702 fundus photographs of both eyes of 44,351 people, diabetic retinopathy graded 0 to 4.

Reads ``train/10_left.jpeg`` and ``test/1_left.jpeg`` wherever they lie below the folder, ``trainLabels.csv`` (image, level; or
``trainLabels.csv.zip``), and the test's ``testLabels.csv`` or Kaggle's ``retinopathy_solution.csv`` (image, level, Usage). The parts
``train.zip.001`` ... are joined, checked and unpacked by ``vesalius data unpack``. Kaggle's division is the split; both eyes
are one subject. Gulshan et al. and the California Healthcare Foundation's "Diabetic Retinopathy Detection", Kaggle 2015.
Licence: the rules of the competition (research).
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vesalius.data import named_images, shuffled
from vesalius.data.listing import Progress
from vesalius.data.source_tables import read_table
from vesalius.data.subjects import public
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification
from vesalius.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "eyepacs"
GRADES = ("none", "mild", "moderate", "severe", "proliferative")
TASKS: dict[str, TaskSpec] = {
    "grade": TaskSpec("grade", "ordinal", ("grade",), GRADES, "quadratic_kappa"),
    "classes": classification("classes", "grade", GRADES),
    "referable": classification("referable", "referable", ("no", "yes")),
}
LICENCE = "Kaggle, Diabetic Retinopathy Detection: the competition's rules (research)"
URL = "https://www.kaggle.com/competitions/diabetic-retinopathy-detection/data"
DIGESTS = "https://www.kaggle.com/competitions/diabetic-retinopathy-detection/discussion/12543"
"""Where the MD5 of each part is listed."""
LABELS = {"train": ("trainLabels.csv", "trainLabels.csv.zip"), "test": ("testLabels.csv", "retinopathy_solution.csv")}
REFERABLE = 2
"""The least grade that is referred: moderate."""
_RULE = re.compile(r"(\d+)_(left|right)")
_COLUMNS = ("image", "level")


def index(root: Path | None, *, task: str | None = None, progress: Progress | None = None) -> SampleTable:
    """The table of the photographs that are there and graded. Raises UserError where no photograph or no table is.

    ``task``: ``grade`` (0 to 4, in order), ``classes`` (the same, as five classes) or ``referable`` (2 and more).
    """
    import pandas as pd

    assert root is not None
    found = named_images.look(root, _RULE, progress)
    if not found.places:
        what = "photograph called 10_left.jpeg, as train and test hold them"
        raise named_images.nothing(SOURCE, root, found, what, f"Get train.zip.001 ... and trainLabels.csv.zip at {URL}.")
    tables = {part: named_images.first_of(found, names) for part, names in LABELS.items()}
    if not any(tables.values()):
        raise UserError(
            f"The folder {root} holds {len(found.places):,} photographs and no grades: neither trainLabels.csv nor testLabels.csv. Get"
            f" them at {URL}, and put them beside train and test."
        )
    frame = pd.concat([read_labels(root / table).assign(split=part) for part, table in tables.items() if table], ignore_index=True)
    there = frame["name"].isin(found.places.keys()).to_numpy()
    missing = tuple(frame["name"][~there])
    warnings = [f"{len(missing):,} of {len(there):,} photographs that the tables list are not there; they are left out."] if missing else []
    if missing and (archives := named_images.packed(found)):
        warnings.append(f"{len(archives):,} archives are there, which may hold them: `vesalius data unpack` unpacks what is not.")
    if ungraded := len(found.places) - int(there.sum()):
        lacking = " (there is no testLabels.csv or retinopathy_solution.csv)" if not tables["test"] else ""
        warnings.append(f"{ungraded:,} photographs that are there are not graded{lacking}; they are left out.")
    if not there.any():
        raise UserError(f"None of the {len(there):,} photographs that the tables in {root} list is there. Unpack train.zip.001 ... beside them ({URL}).")
    frame = frame[there].reset_index(drop=True)
    sides = frame["name"].str.extract(_RULE.pattern)
    columns: dict[str, object] = {
        "subject": public(SOURCE, sides[0].astype(int)),
        "laterality": sides[1].map({"left": "L", "right": "R"}),
        "label.grade": frame["level"],
        "label.referable": (frame["level"] >= REFERABLE).astype(np.float64),
        "split": frame["split"],
    }
    if "usage" in frame:
        columns["meta.usage"] = frame["usage"]
    return SampleTable.of(
        SOURCE, root, [found.places[name] for name in frame["name"]], columns, names=frame["name"].tolist(), task=TASKS[task or "grade"],
        licence=LICENCE, class_names={"grade": list(GRADES), "referable": ["no", "yes"]}, split_by="source", warnings=warnings, missing=missing,
    )  # fmt: skip


def read_labels(csv: Path) -> pd.DataFrame:
    """``name`` (without suffix), ``level`` (0 to 4) and, where it is there, ``usage`` of each row. Raises UserError for another table."""
    import pandas as pd

    raw = read_table(csv, _COLUMNS, what="a table of EyePACS", remedy=f"Get it again at {URL}.")
    levels = named_images.numbers(raw["level"], float, range(len(GRADES)), csv.name)
    frame = pd.DataFrame({"name": named_images.stems(raw["image"]), "level": levels})
    odd = ~frame["name"].str.fullmatch(_RULE.pattern)
    if odd.any():
        raise UserError(f"{csv.name} names {frame['name'][odd].iloc[0]!r}, where a name as 10_left is expected. Get it again at {URL}.")
    if "Usage" in raw:
        frame["usage"] = raw["Usage"].astype(str).str.strip().to_numpy()
    return frame


def compat_ssl_medicalimaging(table: SampleTable, task: str | None = None) -> SampleTable:
    """The original's five classes on Kaggle's division, a fifth of the training part held out by image; see ``shuffled``."""
    root = Path(table.root)
    names = shuffled.stems_of(table)
    listed: list[str] = []
    part: list[str] = []
    for split, known in LABELS.items():
        if csv := named_images.table_in(root, known):
            of_table = read_labels(csv)["name"].tolist()
            listed += of_table
            part += shuffled.validated(len(of_table)).tolist() if split == "train" else ["test"] * len(of_table)
    if task is None:
        table = replace(table, task=TASKS["classes"], warnings=list(table.warnings))
    return shuffled.divided(table, names, listed, np.array(part, np.object_))
