"""RSNA Pneumonia Detection Challenge: 26,684 labelled chest radiographs (of NIH ChestX-ray14), boxes round opacities.

Reads what Kaggle's archive unpacks to: ``stage_2_train_labels.csv`` (a row for each box, so several for an image),
``stage_2_train_images``, and, where they are there, ``stage_2_detailed_class_info.csv`` and ``stage_2_test_images`` (which
have no labels); in the folder itself, one below or one above. Also InnerEye's ``dataset.csv`` (``subject``, ``label``)
beside ``<subject>.dcm``. Images may be DICOM, PNG or JPEG. An image's label is the greatest of its rows; its boxes are
kept as ``meta.boxes`` (how many) and ``meta.box_list`` (x, y, width, height in pixels, as JSON).

``patientId`` names an image, not a person: all 26,684 differ. Who is who says the mapping to NIH's file names that RSNA
published (``mapping``), which is found by itself beside the labels; subjects are then those of ``nih-chestxray14``.
Shih et al., "Augmenting the National Institutes of Health Chest Radiograph Dataset with Expert Annotations of Possible
Pneumonia", Radiology: Artificial Intelligence 2019. Licence: that of the challenge (non-commercial use and research).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vesalius.data.listing import SUFFIXES
from vesalius.data.nih_names import MAPPING, people
from vesalius.data.source_tables import read_table
from vesalius.data.subjects import UNKNOWN
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification
from vesalius.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "rsna-pneumonia"
CLASSES = ("no pneumonia", "pneumonia")
DETAILED = ("Normal", "No Lung Opacity / Not Normal", "Lung Opacity")
TASKS: dict[str, TaskSpec] = {
    "pneumonia": classification("pneumonia", "pneumonia", CLASSES),
    "detailed": classification("detailed", "detailed", DETAILED),
}
LICENCE = "RSNA Pneumonia Detection Challenge: non-commercial use and academic research"
URL = "https://www.kaggle.com/c/rsna-pneumonia-detection-challenge/data"
LABELS, DETAILS, INNEREYE = "stage_2_train_labels.csv", "stage_2_detailed_class_info.csv", "dataset.csv"
IMAGES, UNLABELLED = "stage_2_train_images", "stage_2_test_images"


def index(root: Path | None, *, task: str | None = None, mapping: Path | None = None) -> SampleTable:
    """The table of the images that are there. Raises UserError where labels, images or a task's table are missing.

    ``mapping``: RSNA's JSON file, or a CSV with a column of patientId and one of NIH's file names.
    """
    assert root is not None
    base, csv = _found(root)
    frame = read_labels(csv)
    if csv.name.startswith(INNEREYE):
        folder, prefix = base, ""
    else:
        folder, prefix = base / IMAGES, f"{IMAGES}/"
        if (base / DETAILS).is_file():
            frame = frame.merge(read_details(base / DETAILS), on="name", how="left")
        elif task == "detailed":
            raise UserError(f"The task 'detailed' needs {DETAILS}, which is not in {base}. Get it at {URL}, and put it beside {LABELS}.")
    if task == "detailed" and "label.detailed" not in frame:
        raise UserError(f"{csv.name} knows no detailed classes: the task 'detailed' needs Kaggle's {LABELS} and {DETAILS} ({URL}).")
    places = {name: prefix + file for name, file in _images(folder)}
    there = frame["name"].isin(places.keys()).to_numpy()
    if not there.any():
        raise UserError(
            f"None of the {len(frame):,} images that {csv.name} lists is in {folder}. {_how(base)} Their names are those of the"
            " table with .dcm (or .png, .jpg)."
        )
    missing = frame["name"][~there].tolist()
    frame = frame[there].reset_index(drop=True)
    warnings = []
    if missing:
        warnings.append(f"{len(missing):,} of {len(there):,} images that {csv.name} lists are not there; they are left out.")
    if (base / UNLABELLED).is_dir() and not csv.name.startswith(INNEREYE):
        frame, more = _with_unlabelled(frame, base / UNLABELLED)
        places |= more
    known = mapping or next((p for p in (base / MAPPING, root / MAPPING) if p.is_file()), None)
    if known is None:
        warnings.append(f"{UNKNOWN} Give the mapping to NIH's file names that RSNA published, or NIH's images, as mapping.")
    else:
        frame["subject"], said = people(known, frame["name"].tolist())
        warnings += said
    return SampleTable.of(
        SOURCE,
        base,
        [places[name] for name in frame["name"]],
        {name: frame[name] for name in frame.columns if name != "name"},
        names=frame["name"].tolist(),
        class_names={"pneumonia": list(CLASSES), **({"detailed": list(DETAILED)} if "label.detailed" in frame else {})},
        task=TASKS[task or "pneumonia"],
        licence=LICENCE,
        warnings=warnings,
        missing=tuple(missing),
    )


def read_labels(csv: Path) -> pd.DataFrame:
    """One row per image: ``name``, ``label.pneumonia``, ``meta.boxes``, ``meta.box_list``. Raises UserError for another table."""
    import pandas as pd

    if csv.name.startswith(INNEREYE):
        raw = _read(csv, ("subject", "label"))
        frame = pd.DataFrame({"name": raw["subject"].astype(str).str.strip(), "label.pneumonia": _binary(raw["label"], csv)})
        return frame.groupby("name", sort=False, as_index=False).max()
    raw = _read(csv, ("patientId", "x", "y", "width", "height", "Target"))
    raw["name"], raw["Target"] = raw["patientId"].astype(str).str.strip(), _binary(raw["Target"], csv)
    boxed = raw.dropna(subset=["x", "y", "width", "height"])
    boxes: dict[str, list[list[float]]] = {}
    for name, box in zip(boxed["name"], boxed[["x", "y", "width", "height"]].to_numpy().tolist(), strict=True):
        boxes.setdefault(name, []).append(box)
    most = raw.groupby("name", sort=False)["Target"].max()
    frame = pd.DataFrame({"name": most.index.to_numpy(), "label.pneumonia": most.to_numpy()})
    frame["meta.boxes"] = [len(boxes.get(name, ())) for name in frame["name"]]
    frame["meta.box_list"] = [json.dumps(boxes.get(name, [])) for name in frame["name"]]
    return frame


def read_details(csv: Path) -> pd.DataFrame:
    """One row per image: ``name``, ``label.detailed`` (a number of ``DETAILED``). Raises UserError for another table."""
    raw = _read(csv, ("patientId", "class"))
    numbers = {name: float(number) for number, name in enumerate(DETAILED)}
    values = raw["class"].astype(str).str.strip()
    if unknown := sorted(set(values) - set(numbers)):
        raise UserError(f"{csv.name} holds the class {unknown[0]!r}; the classes are {', '.join(DETAILED)}. Get it again at {URL}.")
    raw["name"], raw["label.detailed"] = raw["patientId"].astype(str).str.strip(), values.map(numbers)
    return raw.drop_duplicates("name")[["name", "label.detailed"]]


def _found(root: Path) -> tuple[Path, Path]:
    """The folder of the labels, and their table: Kaggle's in ``root``, one below or one above, else InnerEye's in ``root``."""
    below = sorted((path for path in root.iterdir() if path.is_dir()), key=lambda path: path.name) if root.is_dir() else []
    above = [root.parent] if root.name in (IMAGES, UNLABELLED) else []
    for folder in (root, *above, *below):
        for name in (LABELS, f"{LABELS}.zip"):
            if (folder / name).is_file():
                return folder, folder / name
    if (root / INNEREYE).is_file():
        return root, root / INNEREYE
    raise UserError(
        f"The folder {root} holds neither {LABELS} of the RSNA Pneumonia Detection Challenge nor InnerEye's {INNEREYE} (columns"
        f" subject, label). {_how(root)}"
    )


def _how(folder: Path) -> str:
    """What to do where something is not there: unpack what is packed, or get it."""
    packed = sorted(path.name for path in folder.glob("*.zip")) if folder.is_dir() else []
    if packed:
        return f"It holds {packed[0]}: unpack it there (unzip {packed[0]}), and give the folder as {SOURCE}@FOLDER."
    return f"Download and unpack the challenge's data ({URL}), and give their folder as {SOURCE}@FOLDER."


def _images(folder: Path) -> Iterator[tuple[str, str]]:
    """Stem and name of each image in ``folder``."""
    if folder.is_dir():
        for name in sorted(path.name for path in folder.iterdir()):
            stem, _, suffix = name.rpartition(".")
            if stem and suffix.lower() in SUFFIXES and not name.startswith("."):
                yield stem, name


def _with_unlabelled(frame: pd.DataFrame, folder: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """``frame`` and the images of the challenge's test, whose labels were never published."""
    import pandas as pd

    known = set(frame["name"])
    more = {name: f"{UNLABELLED}/{file}" for name, file in _images(folder) if name not in known}
    return pd.concat([frame, pd.DataFrame({"name": list(more)})], ignore_index=True) if more else frame, more


def _binary(values: pd.Series, csv: Path) -> pd.Series:
    import pandas as pd

    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    if not numbers.isin((0, 1)).all():
        value = values[~numbers.isin((0, 1))].iloc[0]
        raise UserError(f"{csv.name} holds the label {value}, where 0 or 1 is expected. Correct it, or get it again.")
    return numbers


def _read(csv: Path, needed: Sequence[str]) -> pd.DataFrame:
    what = "the table of the RSNA Pneumonia Detection Challenge"
    return read_table(csv, needed, what=what, remedy=f"Get it again at {URL}.")
