"""Shenzhen: 662 chest radiographs of a hospital in Shenzhen, 336 of them not normal.

Reads what ChinaSet_AllFiles.zip unpacks to, wherever it lies below the folder: ``CXR_png/CHNCXR_0001_0.png``, whose last digit is
0 (normal) or 1, and ``ClinicalReadings/CHNCXR_0001_0.txt`` (sex, age, what was read). A table that somebody made of these
(``shenzhen_metadata.csv``: file, sex, age, findings) is read too, and contradictions are counted. Outlines of the lungs are not read.
Jaeger et al., "Two public chest X-ray datasets for computer-aided screening of pulmonary diseases", QIMS 2014.
Licence: free use with acknowledgement of the National Library of Medicine.
"""

from __future__ import annotations

from pathlib import Path

from vesalius.data import tuberculosis
from vesalius.data.listing import Progress
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec

TASKS: dict[str, TaskSpec] = tuberculosis.TASKS
LICENCE = tuberculosis.LICENCE
URL = tuberculosis.ASK
FILES = tuberculosis.Files(
    source="shenzhencxr",
    prefix="CHNCXR",
    archive="ChinaSet_AllFiles.zip",
    folder="ChinaSet_AllFiles",
    tables=("shenzhen_metadata.csv", "shenzhencxr_metadata.csv"),
    count=662,
)


def index(root: Path | None, *, task: str | None = None, progress: Progress | None = None) -> SampleTable:
    """The table of the radiographs below ``root``; see ``tuberculosis.index``."""
    assert root is not None
    return tuberculosis.index(root, FILES, task, progress)


def compat_ssl_medicalimaging(table: SampleTable, task: str | None = None) -> SampleTable:
    """The original's division by image; see ``shuffled``."""
    return tuberculosis.compat(table, FILES)
