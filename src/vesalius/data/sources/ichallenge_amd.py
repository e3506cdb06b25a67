"""iChallenge-AMD (ADAM): 400 fundus photographs, 89 of them of eyes with age-related macular degeneration.

Reads ``Training400`` of the challenge wherever it lies below the folder: ``AMD/A0001.jpg``, ``Non-AMD/N0001.jpg``, or all in one
folder. The label is the folder's name, or the first letter of the file's; ``amd_labels.csv`` (file, 0 or 1), where somebody
made one, is compared with it. Outlines of discs and lesions are not read. Whose photographs they are is not published.
Fang et al., "ADAM challenge: detecting age-related macular degeneration from fundus images", IEEE TMI 2022.
Licence: that of the challenge (research).
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

SOURCE = "ichallenge-amd"
TASKS: dict[str, TaskSpec] = {"amd": classification("amd", "amd", ("no", "yes"))}
LICENCE = "iChallenge-AMD: research"
URL = "https://amd.grand-challenge.org/"
COUNT = 400
TABLE = "amd_labels.csv"
_RULE = re.compile(r"([AN])\d{4}")


def index(root: Path | None, *, task: str | None = None, progress: Progress | None = None) -> SampleTable:
    """The table of the photographs below ``root``. Raises UserError where none is there, or ``amd_labels.csv`` is no such table."""
    assert root is not None
    found = named_images.look(root, _RULE, progress)
    if not found.places:
        raise named_images.nothing(
            SOURCE, root, found, "photograph of iChallenge-AMD (Training400/AMD/A0001.jpg, Training400/Non-AMD/N0001.jpg ...)",
            f"Register at {URL} and get the training set of 400 photographs.",
        )  # fmt: skip
    names = sorted(found.places)
    told = named_images.Told(np.array([_of_place(found.places[name]) for name in names]), [], [], ())
    if table := named_images.first_of(found, [TABLE]):
        by_name = {name: _of_place(found.places[name]) for name in names}
        told = named_images.told(names, by_name, *_listed(root / table), TABLE, "folder or file name")
    return SampleTable.of(
        SOURCE, root, [found.places[name] for name in names], {"label.amd": told.values}, names=names, task=TASKS[task or "amd"],
        licence=LICENCE, class_names={"amd": ["no", "yes"]}, asides=tuple(told.asides), missing=told.missing,
        warnings=[UNKNOWN, *told.warnings, *named_images.fewer(len(names), COUNT)],
    )  # fmt: skip


def compat_ssl_medicalimaging(table: SampleTable, task: str | None = None) -> SampleTable:
    """The original's labels, divided by image; see ``shuffled``."""
    csv = named_images.table_in(Path(table.root), [TABLE])
    return shuffled.by_list(table, None if csv is None else _listed(csv)[0])


def _of_place(uri: str) -> float:
    """1 for AMD, by the folder where it says so, else by the file's first letter."""
    folder = uri.rpartition("/")[0].rpartition("/")[2].lower()
    by_folder = {"amd": 1.0, "non-amd": 0.0}
    return by_folder.get(folder, float(uri.rpartition("/")[2][0] == "A"))


def _listed(csv: Path) -> tuple[list[str], list[float]]:
    frame = named_images.read_rows(csv, 2, "iChallenge-AMD")
    return named_images.stems(frame.iloc[:, 0]), named_images.numbers(frame.iloc[:, 1], float, (0, 1), csv.name)
