"""NIH ChestX-ray14: 112,120 frontal chest radiographs of 30,805 patients, fourteen findings read from their reports.

Reads what the twelve archives and the tables beside them unpack to: images in ``images_001/images`` ...
``images_012/images`` (any of them), in ``images``, or in the folder itself; ``Data_Entry_2017.csv`` or
``Data_Entry_2017_v2020.csv``; ``train_val_list.txt`` and ``test_list.txt``, whose patients are then the split. Images that
the table lists and that are not there, as after a part of the download, are counted and left out. Findings are 1 or 0,
all 0 for "No Finding". Wang et al., "ChestX-ray8: Hospital-scale Chest X-ray Database and Benchmarks", CVPR 2017.
Licence: free use with acknowledgement of the NIH Clinical Center.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vesalius.data import shuffled
from vesalius.data.named_images import Packed
from vesalius.data.source_tables import read_table
from vesalius.data.subjects import public
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification
from vesalius.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "nih-chestxray14"
FINDINGS = (
    "Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax",
    "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural_Thickening", "Hernia",
)  # fmt: skip
SINGLE = ("Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumothorax")
"""The classes of ``single7``: images with exactly one finding, and that one of these. Guo et al., "A Broader Study of
Cross-Domain Few-Shot Learning", ECCV 2020 (ChestX)."""
TASKS: dict[str, TaskSpec] = {
    "fourteen": TaskSpec("fourteen", "multilabel", FINDINGS, FINDINGS),
    "single7": classification("single7", "single7", SINGLE),
    "single7-ordinal": TaskSpec("single7-ordinal", "ordinal", ("single7",), SINGLE, "quadratic_kappa"),
    **{(slug := name.lower().replace("_", "-")): classification(slug, name, ("no", "yes")) for name in FINDINGS},
}
LICENCE = "free use with acknowledgement of the NIH Clinical Center"
URL = "https://nihcc.app.box.com/v/ChestXray-NIHCC"
TABLES = ("Data_Entry_2017.csv", "Data_Entry_2017_v2020.csv")
_NEEDED = ("Image Index", "Finding Labels", "Patient ID")
_OLDEST = 120
"""Years: the table holds ages up to 414, which nobody has."""


def index(root: Path | None, *, task: str | None = None) -> SampleTable:
    """The table of the images that are there. Raises UserError where the table of findings or every image is missing.

    ``task``: ``fourteen``, ``single7`` (whose rows are those with one finding of the seven; ``single7-ordinal`` as grades), or one
    finding.
    """
    assert root is not None
    csv = _table(root)
    if csv is None:
        raise UserError(
            f"The folder {root} holds neither {' nor '.join(TABLES)}, the table of images, patients and findings of NIH"
            f" ChestX-ray14. Get it at {URL}, where the images are, together with train_val_list.txt and test_list.txt,"
            f" and put it beside the images; or give the folder it lies in as {SOURCE}@FOLDER."
        )
    frame = read_labels(csv)
    places = _images(root)
    there = frame["name"].isin(places.keys()).to_numpy()
    if not there.any():
        kind = Packed if any(root.glob("images_*.tar.gz")) else UserError
        raise kind(
            f"None of the {len(frame):,} images that {csv.name} lists is under {root}. Unpack images_001.tar.gz ..."
            f" images_012.tar.gz there (from {URL}), or as many of them as you want (`vesalius data unpack {SOURCE}@FOLDER` does):"
            " the PNG files may lie in images_001/images and so on, in images, or in the folder itself."
        )
    missing = frame["name"][~there].tolist()
    unlisted = len(places) - int(there.sum())
    frame = frame[there].reset_index(drop=True)
    official = _official(root, frame["name"])
    if official is not None:
        frame["split"] = official
    warnings = []
    if missing:
        warnings.append(f"{len(missing):,} of {len(there):,} images that {csv.name} lists are not there; they are left out.")
    if unlisted:
        warnings.append(f"{unlisted:,} images that are there are not in {csv.name}; they are left out.")
    table = SampleTable.of(
        SOURCE,
        root,
        [places[name] for name in frame["name"]],
        {name: frame[name] for name in frame.columns if name != "name"},
        names=frame["name"].tolist(),
        class_names={"single7": list(SINGLE), **{name: ["no", "yes"] for name in FINDINGS}},
        task=TASKS[task or "fourteen"],
        licence=LICENCE,
        split_by="source" if official is not None else "",
        warnings=warnings,
        missing=tuple(missing),
    )
    return _single(table) if task is not None and task.startswith("single7") else table


def compat_ssl_medicalimaging(table: SampleTable, task: str | None = None) -> SampleTable:
    """The original's seven classes, all images divided before these are chosen; see ``shuffled``."""
    csv = _table(Path(table.root))
    assert csv is not None
    frame = read_labels(csv)
    kept = frame["label.single7"].notna().to_numpy()
    if task is None:
        table = replace(table, task=TASKS["single7"], warnings=list(table.warnings))
    part = shuffled.parts(len(frame), kept=kept)
    return shuffled.divided(table, [f"{stem}.png" for stem in shuffled.stems_of(table)], frame["name"].tolist(), part)


def _single(table: SampleTable) -> SampleTable:
    return table.subset(~np.isnan(table.labels("single7")))


def _table(root: Path) -> Path | None:
    return next((root / name for name in TABLES if (root / name).is_file()), None)


def read_labels(csv: Path) -> pd.DataFrame:
    """``Data_Entry_2017.csv`` in our columns: ``name`` (of the file), ``subject``, ``view`` (PA or AP), ``label.FINDING``,
    ``label.single7``, ``meta.follow_up``, ``meta.age`` (years), ``meta.sex``. Raises UserError for another table.
    """
    import pandas as pd

    raw = read_table(csv, _NEEDED, what="the table of NIH ChestX-ray14", remedy=f"Get it again at {URL}.")
    found = raw["Finding Labels"].fillna("").str.split("|")
    unknown = sorted({name for names in found for name in names} - {*FINDINGS, "No Finding"})
    if unknown:
        raise UserError(f"{csv.name} holds the finding {unknown[0]!r}, which NIH ChestX-ray14 does not know. Get it again at {URL}.")
    columns: dict[str, object] = {
        "name": raw["Image Index"].astype(str).str.strip(),
        "subject": public(SOURCE, raw["Patient ID"].astype(int)),
    }
    if "View Position" in raw:
        columns["view"] = raw["View Position"].str.strip()
    sets = [frozenset(names) for names in found]
    columns |= {f"label.{name}": np.array([name in names for names in sets], np.float64) for name in FINDINGS}
    numbers = {frozenset({name}): number for number, name in enumerate(SINGLE)}
    columns["label.single7"] = np.array([numbers.get(names, np.nan) for names in sets], np.float64)
    if "Follow-up #" in raw:
        columns["meta.follow_up"] = raw["Follow-up #"]
    if "Patient Age" in raw:
        years = pd.to_numeric(raw["Patient Age"].astype(str).str.removesuffix("Y"), errors="coerce")  # 058Y in the first edition
        columns["meta.age"] = years.where(years <= _OLDEST)
    if "Patient Gender" in raw:
        columns["meta.sex"] = raw["Patient Gender"]
    return pd.DataFrame(columns)


def _images(root: Path) -> dict[str, str]:
    """Every PNG file by name, with its path relative to ``root``."""
    folders = [("", root)]
    for folder in sorted(root.iterdir(), key=lambda path: path.name):
        if re.fullmatch(r"images(_\d+)?", folder.name) and folder.is_dir():
            inner = folder / "images"
            folders.append((f"{folder.name}/images/", inner) if inner.is_dir() else (f"{folder.name}/", folder))
    return {
        path.name: prefix + path.name for prefix, folder in reversed(folders) for path in folder.iterdir() if path.name.endswith(".png")
    }


def _official(root: Path, names: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.object_]] | None:
    """``(N,)`` train or test by the official lists; None where there is neither."""
    lists = {part: root / f"{part}_list.txt" for part in ("test", "train_val")}
    known = {part: set(path.read_text().split()) for part, path in lists.items() if path.is_file()}
    if not known:
        return None
    test = names.isin(known["test"]) if "test" in known else ~names.isin(known["train_val"])
    return np.where(test.to_numpy(), "test", "train").astype(object)
