"""BACH (ICIAR 2018): 400 microscopy images of breast tissue, 2048 × 1536, a hundred each of four classes.

Reads ``Photos`` of ICIAR2018_BACH_Challenge.zip, wherever its images lie below the folder: ``b001.tif`` (benign), ``is001.tif``
(in situ), ``iv001.tif`` (invasive), ``n001.tif`` (normal). ``microscopy_ground_truth.csv`` beside them is compared with their
names. The slides of ``WSI`` are not read. Whose image is whose is not published with the set: the test part is that of eva
(kaiko.ai, 268 and 132 images), whose authors took the patients' ids into account.
Aresta et al., "BACH: Grand challenge on breast cancer histology images", Medical Image Analysis 2019. Licence: CC BY-NC-ND 4.0.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from vesalius.data import named_images, shuffled
from vesalius.data.listing import Progress
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification
from vesalius.errors import UserError

SOURCE = "bach"
CLASSES = ("Normal", "Benign", "InSitu", "Invasive")
TASKS: dict[str, TaskSpec] = {
    "class": classification("class", "class", CLASSES),
    "ordinal": TaskSpec("ordinal", "ordinal", ("class",), CLASSES, "quadratic_kappa"),
    "carcinoma": classification("carcinoma", "carcinoma", ("no", "yes")),
}
LICENCE = "CC BY-NC-ND 4.0"
URL = "https://zenodo.org/records/3632035"
COUNT = 400
TABLE = "microscopy_ground_truth.csv"
TEST = ((41, 59), (60, 90), (139, 169), (240, 258), (260, 273), (345, 368))
"""eva's held-out images: from and to, among benign, in situ, invasive and normal ones, each by number, counted from 0 on."""
PATIENTS = (
    "The set does not say whose images are whose. The test part is that of eva, whose authors took the patients' ids into account;"
    " validation is drawn from the rest by image."
)
_RULE = re.compile(r"(b|is|iv|n)(\d{3})")
_PREFIXES = {"b": "Benign", "is": "InSitu", "iv": "Invasive", "n": "Normal"}


def index(root: Path | None, *, task: str | None = None, progress: Progress | None = None) -> SampleTable:
    """The table of the images below ``root``. ``task``: ``class``, ``ordinal`` (the same, in order) or ``carcinoma`` (in situ or
    invasive). Raises UserError where no image is there, or the table of labels is not one.
    """
    assert root is not None
    found = named_images.look(root, _RULE, progress)
    if not found.places:
        what = "image of BACH (b001.tif, is001.tif, iv001.tif, n001.tif ...)"
        raise named_images.nothing(SOURCE, root, found, what, f"Get ICIAR2018_BACH_Challenge.zip at {URL}.")
    names = sorted(found.places)
    by_name = {name: float(CLASSES.index(_PREFIXES[match[1]])) for name in names if (match := _RULE.fullmatch(name))}
    told = named_images.Told(np.array([by_name[name] for name in names]), [], [], ())
    if table := named_images.first_of(found, [TABLE]):
        told = named_images.told(names, by_name, *_listed(root / table), TABLE)
    columns = {
        "label.class": told.values,
        "label.carcinoma": (told.values >= CLASSES.index("InSitu")).astype(np.float64),
        "split": [_part(name) for name in names],
    }
    return SampleTable.of(
        SOURCE, root, [found.places[name] for name in names], columns, names=names, task=TASKS[task or "class"], licence=LICENCE,
        class_names={"class": list(CLASSES), "carcinoma": ["no", "yes"]}, split_by="source",
        warnings=[PATIENTS, *told.warnings, *named_images.fewer(len(names), COUNT)], asides=tuple(told.asides), missing=told.missing,
    )  # fmt: skip


def compat_ssl_medicalimaging(table: SampleTable, task: str | None = None) -> SampleTable:
    """The original's four classes, divided by image; see ``shuffled``."""
    csv = named_images.table_in(Path(table.root), [TABLE])
    return shuffled.by_list(table, None if csv is None else _listed(csv)[0])


def _part(name: str) -> str:
    match = _RULE.fullmatch(name)
    assert match is not None
    place = 100 * list(_PREFIXES).index(match[1]) + int(match[2]) - 1
    return "test" if int(match[2]) <= 100 and any(start <= place < end for start, end in TEST) else "train"


def _listed(csv: Path) -> tuple[list[str], list[float]]:
    """The names and classes of the set's table, which has no header."""
    import pandas as pd

    try:
        frame = pd.read_csv(csv, header=None)
        classes = frame[1].astype(str).str.strip()
    except (ValueError, KeyError, OSError) as error:
        raise UserError(f"{csv.name} is not the table of BACH, a file and a class in each row ({error}). Get it again at {URL}, or remove it.") from None
    if unknown := sorted(set(classes) - set(CLASSES)):
        raise UserError(f"{csv.name} holds the class {unknown[0]!r}; the classes are {', '.join(CLASSES)}. Get it again at {URL}, or remove it.")
    return named_images.stems(frame[0]), [float(CLASSES.index(name)) for name in classes]
