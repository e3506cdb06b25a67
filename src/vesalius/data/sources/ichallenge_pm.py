"""iChallenge-PM (PALM): 400 fundus photographs: normal eyes, eyes with high and with pathological myopia.

Reads ``PALM-Training400`` (one folder inside another, or not) wherever it lies below the folder: ``N0001.jpg`` (normal),
``H0001.jpg`` (high myopia), ``P0001.jpg`` (pathological). ``fovea_location_csv.csv`` (or ``.xlsx``; its second column a file,
its fifth 0, 1 or 2), where somebody made one, is compared with the names. Outlines of discs and lesions are not read. Whose
photographs they are is not published. Fang et al., "Open fundus photograph dataset with pathologic myopia recognition and
anatomical structure annotation", Scientific Data 2024. Licence: that of the challenge (research).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from vesalius.data import named_images, shuffled
from vesalius.data.listing import Progress
from vesalius.data.subjects import UNKNOWN
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification

SOURCE = "ichallenge-pm"
GRADES = ("normal", "high myopia", "pathological myopia")
TASKS: dict[str, TaskSpec] = {
    "pathological": classification("pathological", "pathological", ("no", "yes")),
    "myopia": classification("myopia", "myopia", ("no", "yes")),
    "grade": TaskSpec("grade", "ordinal", ("grade",), GRADES, "quadratic_kappa"),
}
LICENCE = "iChallenge-PM: research"
URL = "https://palm.grand-challenge.org/"
COUNT = 400
TABLES = ("fovea_location_csv.csv", "fovea_location_csv.xlsx")
_RULE = re.compile(r"([NHP])\d{4}")


def index(root: Path | None, *, task: str | None = None, progress: Progress | None = None) -> SampleTable:
    """The table of the photographs below ``root``. Raises UserError where none is there, or the table of labels is not one.

    ``task``: ``pathological`` (against all others), ``myopia`` (high and pathological together) or ``grade`` (three, in order).
    """
    assert root is not None
    found = named_images.look(root, _RULE, progress)
    if not found.places:
        raise named_images.nothing(
            SOURCE, root, found, "photograph of iChallenge-PM (PALM-Training400/N0001.jpg, H0001.jpg, P0001.jpg ...)",
            f"Register at {URL} and get the training set of 400 photographs.",
        )  # fmt: skip
    names = sorted(found.places)
    by_name = {name: float("NHP".index(name[0])) for name in names}
    told = named_images.Told(np.array([by_name[name] for name in names]), [], [], ())
    if table := named_images.first_of(found, TABLES):
        told = named_images.told(names, by_name, *_listed(root / table), table.rpartition("/")[2])
    columns = {
        "label.pathological": (told.values == 2).astype(np.float64),
        "label.myopia": (told.values >= 1).astype(np.float64),
        "label.grade": told.values,
    }
    return SampleTable.of(
        SOURCE, root, [found.places[name] for name in names], columns, names=names, task=TASKS[task or "pathological"], licence=LICENCE,
        class_names={"pathological": ["no", "yes"], "myopia": ["no", "yes"], "grade": list(GRADES)},
        warnings=[UNKNOWN, *told.warnings, *named_images.fewer(len(names), COUNT)], asides=tuple(told.asides), missing=told.missing,
    )  # fmt: skip


def compat_ssl_medicalimaging(table: SampleTable, task: str | None = None) -> SampleTable:
    """The original's labels (pathological against the rest, as its code has them; its README's are the task ``myopia``), divided by
    image; see ``shuffled``.
    """
    csv = named_images.table_in(Path(table.root), TABLES)
    return shuffled.by_list(table, None if csv is None else _listed(csv)[0])


def _listed(file: Path) -> tuple[list[str], list[float]]:
    frame = named_images.read_rows(file, 5, "iChallenge-PM")
    return named_images.stems(frame.iloc[:, 1]), named_images.numbers(frame.iloc[:, 4], float, (0, 1, 2), file.name)
