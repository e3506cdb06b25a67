"""A data set from outside Vesalius: one folder per ward, files PATIENT_NUMBER_ill.png or PATIENT_NUMBER_well.png. Copy it and write your own ``index``.

vesalius evaluate knn --plugins examples/my_source.py --encoder runs/first --data wards@./wards

Splits by patient, the store, checks, labels and every verb come by themselves; no pixel is read here. A package of yours names the module
instead, ``[project.entry-points."vesalius.sources"]`` with ``wards = "our_package.my_source"``, and needs no --plugins.
"""

from __future__ import annotations

import re
from pathlib import Path

from vesalius.data.listing import Progress, list_images
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec, classification
from vesalius.errors import UserError

CLASSES = ("well", "ill")
TASKS: dict[str, TaskSpec] = {"ill": classification("ill", "ill", CLASSES), "ward": classification("ward", "ward", ("north", "south"))}
"""What can be asked about: ``wards@./wards:ward``; the first is meant where none is named."""
LICENCE = "our own patients': not to be passed on"
VESALIUS = {"sources": ["wards"]}
_RULE = re.compile(r"(?P<ward>north|south)/(?P<patient>[^_/]+)_\d+_(?P<ill>well|ill)\.png")


def index(root: Path | None, *, task: str | None = None, progress: Progress | None = None) -> SampleTable:
    """The table of the images below ``root``, with patient and labels. Raises UserError where none is named by the rule."""
    assert root is not None
    found = [(uri, match) for uri in list_images(root, progress).uris if (match := _RULE.fullmatch(uri))]
    if not found:
        raise UserError(f"{root} holds no image of a ward, such as north/p17_2_ill.png. Give the folder that holds north and south.")
    columns = {
        "subject": [match["patient"] for _, match in found],
        "label.ill": [float(CLASSES.index(match["ill"])) for _, match in found],
        "label.ward": [float(match["ward"] == "south") for _, match in found],
    }
    names = {"ill": list(CLASSES), "ward": ["north", "south"]}
    uris = [uri for uri, _ in found]
    return SampleTable.of("wards", root, uris, columns, private=True, task=TASKS[task or "ill"], class_names=names, licence=LICENCE)
