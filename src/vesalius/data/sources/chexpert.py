"""CheXpert: 224,316 chest radiographs of 65,240 patients, fourteen findings that may be uncertain.

Reads CheXpert-v1.0 and CheXpert-v1.0-small as they are downloaded, from the folder of ``train.csv`` or the one above it, or
with ``train.csv`` moved above; and the full set's four folders "CheXpert-v1.0 batch 1 (validate & csv)" to "batch 4 (train 3)".
A finding is 1, 0, -1 (uncertain: see ``data.uncertain``) or blank (not mentioned: unknown). ``valid.csv``, 200 studies that three radiologists
labelled, is the test part; where ``test.csv`` is there too, that is the test part and ``valid.csv`` validates. Frontal
images only, unless a filter says otherwise. Irvin et al., "CheXpert: A Large Chest Radiograph Dataset with Uncertainty
Labels and Expert Comparison", AAAI 2019. Licence: Stanford University Dataset Research Use Agreement.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vesalius.data import shuffled
from vesalius.data.source_tables import read_table
from vesalius.data.subjects import public
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification
from vesalius.data.uncertain import settled
from vesalius.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "chexpert"
FINDINGS = (
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation",
    "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices",
)  # fmt: skip
FIVE = ("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Pleural Effusion")
"""The findings of the CheXpert competition."""
TASKS: dict[str, TaskSpec] = {
    "fourteen": TaskSpec("fourteen", "multilabel", FINDINGS, FINDINGS),
    "five": TaskSpec("five", "multilabel", FIVE, FIVE),
    **{(slug := name.lower().replace(" ", "-")): classification(slug, name, ("no", "yes")) for name in FINDINGS},
    **{(slug := f"{name.lower().replace(' ', '-')}-against-rest"): classification(slug, name, ("no", "yes")) for name in FIVE},
}
FILTER = {"view": "frontal"}
"""What a data reference takes where nothing is said: lateral images look so different that most work leaves them out."""
UNCERTAIN = -1.0
TRAINING = 134_049
"""How many rows Anton et al. train on."""
LICENCE = "Stanford University Dataset Research Use Agreement"
URL = "https://stanfordaimi.azurewebsites.net/datasets/8cbd9ed4-2eb9-4565-affc-111cf4f7ebe2"
_PARTS = {"train": ("train.csv",), "valid": ("valid.csv",), "test": ("test.csv", "test_labels.csv")}
_BESIDE = ("CheXpert-v1.0", "CheXpert-v1.0-small")
"""Folders of images that lie beside a ``train.csv`` which was moved out of them."""
_PLACE = r"(?:^|/)((train|valid|test)/(patient\d+)/(study\d+)/[^/]+)$"


def index(root: Path | None, *, task: str | None = None) -> SampleTable:
    """The table of the images whose patient's folder is there, lateral ones too. Raises UserError where nothing is.

    ``task``: ``fourteen``, ``five`` or one finding, such as ``pleural-effusion``; ``pleural-effusion-against-rest`` takes what is
    not mentioned for a no, as many do (in 90,203 of 223,414 images).
    """
    import pandas as pd

    assert root is not None
    home, prefix = _home(root)
    parts = {part: next((home / n for n in names if (home / n).is_file()), None) for part, names in _PARTS.items()}
    frame = pd.concat([read_labels(csv) for csv in parts.values() if csv is not None], ignore_index=True)
    folders = _folders(root, home, prefix, frame["name"])
    patients = frame["name"].str.extract(r"^(\w+/\w+)", expand=False)
    there = patients.isin(folders.keys()).to_numpy()
    if not there.any():
        raise UserError(
            f"None of the {len(frame):,} images that the tables in {home} list is there: there is no folder of a patient."
            f" Unpack the images beside train.csv, as train/patient00001/study1/view1_frontal.jpg, or give their folder as"
            f" {SOURCE}@FOLDER."
        )
    missing = frame["name"][~there].tolist()
    frame, patients = frame[there].reset_index(drop=True), patients[there]
    own = {"train": "train", "valid": "val", "test": "test"} if parts["test"] else {"train": "train", "valid": "test"}
    frame["split"] = frame["name"].str.partition("/")[0].map(own)
    warnings = [f"{len(missing):,} of {len(there):,} images that the tables list are not there; they are left out."] if missing else []
    rest = frame["name"].str.extract(r"^\w+/\w+(.*)$", expand=False)
    spec = TASKS[task or "fourteen"]
    if spec.name.endswith("-against-rest"):
        frame[f"label.{spec.labels[0]}"] = frame[f"label.{spec.labels[0]}"].fillna(0.0)
    return SampleTable.of(
        SOURCE,
        root,
        [folders[patient] + image for patient, image in zip(patients, rest, strict=True)],
        {name: frame[name] for name in frame.columns if name != "name"},
        names=frame["name"].tolist(),
        class_names={name: ["no", "yes"] for name in FINDINGS},
        task=spec,
        licence=LICENCE,
        split_by="source",
        warnings=warnings,
        missing=tuple(missing),
        uncertain=UNCERTAIN,
    )


def compat_ssl_medicalimaging(table: SampleTable, task: str | None = None) -> SampleTable:
    """The original's division of ``train.csv``, frontal and lateral images mixed, for one finding (where none is named, pleural
    effusion): what is not mentioned is a no, and what is uncertain too where no policy was given before; see ``shuffled``.
    """
    home, _ = _home(Path(table.root))
    listed = read_labels(home / "train.csv")["name"].tolist()
    spec = TASKS["pleural-effusion-against-rest"] if task is None else TASKS[task]
    table = settled(replace(table, task=spec, warnings=list(table.warnings)), "zeros" if table.uncertain is not None else None)
    blank = {f"label.{name}": np.nan_to_num(table.labels(name), nan=0.0) for name in spec.labels}
    names = table.frame["uri"].str.extract(_PLACE)[0].tolist()
    return shuffled.divided(table.with_columns(**blank), names, listed, shuffled.parts(len(listed), TRAINING))


def read_labels(csv: Path) -> pd.DataFrame:
    """One of CheXpert's tables in our columns: ``name`` (``train/patient00001/study1/view1_frontal.jpg``, whatever the path
    began with), ``subject``, ``study``, ``view`` (frontal or lateral), ``label.FINDING`` (1, 0, -1 uncertain, NaN),
    ``meta.projection`` (AP, PA, ...), ``meta.age`` (years), ``meta.sex``. Raises UserError for another table.
    """
    import pandas as pd

    remedy = f"Get it again at {URL}, or name the table itself as the data, with --data.labels."
    raw = read_table(csv, ("Path", *FINDINGS), what="CheXpert's table", remedy=remedy)
    place = raw["Path"].astype(str).str.extract(_PLACE)
    if place[0].isna().any():
        row = int(place[0].isna().to_numpy().argmax())
        raise UserError(
            f"Row {row} of {csv.name} names {raw['Path'].iloc[row]!r}, which is no path of CheXpert's form"
            " train/patient00001/study1/view1_frontal.jpg. Get the table again."
        )
    labels = raw[list(FINDINGS)].apply(pd.to_numeric, errors="coerce")
    wrong = (~labels.isin([1, 0, UNCERTAIN]) & raw[list(FINDINGS)].notna()).to_numpy()
    if wrong.any():
        row, column = (int(at[0]) for at in wrong.nonzero())
        raise UserError(
            f"Row {row} of {csv.name} holds '{raw[FINDINGS[column]].iloc[row]}' for {FINDINGS[column]}, which is none of 1, 0, -1 and"
            " blank. Get the table again."
        )
    subjects = public(SOURCE, place[2])
    columns: dict[str, object] = {
        "name": place[0],
        "subject": subjects,
        "study": pd.Series(subjects) + "/" + place[3],
        "view": np.where(place[0].str.contains("lateral", regex=False), "lateral", "frontal"),
        **{f"label.{name}": labels[name] for name in FINDINGS},
    }
    if "AP/PA" in raw:
        columns["meta.projection"] = raw["AP/PA"].astype("str")
    if "Age" in raw:
        columns["meta.age"] = raw["Age"]
    if "Sex" in raw:
        columns["meta.sex"] = raw["Sex"].map({"Female": "F", "Male": "M"})
    return pd.DataFrame(columns)


def _home(root: Path) -> tuple[Path, str]:
    """The folder of ``train.csv``: ``root`` or one in it; and its path relative to ``root``, with a slash behind it."""
    if (root / "train.csv").is_file():
        return root, ""
    inner = sorted((f for f in root.iterdir() if f.is_dir() and (f / "train.csv").is_file()), key=lambda f: f.name) if root.is_dir() else []
    if len(inner) == 1:
        return inner[0], f"{inner[0].name}/"
    if inner:
        raise UserError(
            f"{root} holds {len(inner)} folders with a train.csv: {', '.join(folder.name for folder in inner[:4])}. Say which is meant,"
            f" as {SOURCE}@FOLDER."
        )
    raise UserError(
        f"There is no train.csv in {root} or in a folder in it. Get CheXpert-v1.0 (439 GB) or CheXpert-v1.0-small (11 GB) at {URL}"
        f" and give the folder that holds train.csv, valid.csv and the images as {SOURCE}@FOLDER."
    )


def _folders(root: Path, home: Path, prefix: str, names: pd.Series) -> dict[str, str]:
    """Each patient that is there, as ``train/patient00001``, with the folder's path relative to ``root``."""
    found: dict[str, str] = {}
    for part in sorted(set(names.str.partition("/")[0])):
        for place in (part, *(f"{name}/{part}" for name in _BESIDE)):
            if (home / place).is_dir():
                found |= {f"{part}/{folder.name}": f"{prefix}{place}/{folder.name}" for folder in (home / place).iterdir()}
    if "batch" in prefix:  # the full set unpacks into folders side by side
        for batch in root.iterdir():
            if re.search(r"batch \d+ \(train \d+\)$", batch.name):
                found |= {f"train/{folder.name}": f"{batch.name}/{folder.name}" for folder in batch.iterdir()}
    return found
