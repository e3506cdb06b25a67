"""Objects cut out of the images of a folder, by boxes that lie beside them: COCO, YOLO, Pascal VOC, or Lightly's predictions.

``crops@FOLDER``; ``crops@FOLDER:TASK`` where there are boxes of several kinds, TASK being what the error lists, or a task of
``.lightly/predictions``. Options follow: ``crops@FOLDER:padding=0.2`` adds a fifth of a box's width and height to these,
``least=16`` leaves out boxes of fewer pixels a side, ``boxes=PATH`` names a file of COCO's or a folder of boxes elsewhere. FOLDER may be
any images that a reference names. The label ``class`` is the box's. Licence: the images'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from vesalius.data import crops
from vesalius.data.boxes import reading
from vesalius.data.boxes.found import Images
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec
from vesalius.errors import UserError
from vesalius.files import is_remote, place_of

TASKS: dict[str, TaskSpec] = {}
OF_IMAGES = True
"""Built from another reference's images, which ``index`` is given."""
OPTIONS: Mapping[str, Callable[[str], object]] = {"padding": float, "least": int, "boxes": str}


def index(root: Path, images: SampleTable, *, task: str | None = None, padding: float = 0.0, least: int = 1, boxes: str | None = None) -> SampleTable:
    """The table of the objects of ``images``. Raises UserError where no boxes are found, several kinds and none is named, or none can be cut."""
    if is_remote(images.root) or images.container is not None or images.dims != 2:
        raise UserError("Objects are cut out of image files in a folder on this machine. Copy the images and their boxes here, and name that folder.")
    folder, known = Path(images.root), Images(images.frame["uri"].tolist())
    if boxes is not None:
        place = place_of(boxes)
        found = reading.read_file(place if place.is_absolute() or place.exists() else folder / place, folder, known)
    else:
        found = reading.read(folder, known, task)
    return crops.crops(images, found, padding=padding, least=least)
