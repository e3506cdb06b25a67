"""Which boxes lie beside the images of a folder, and reading them, whatever their format."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from vesalius import registry
from vesalius.data.boxes.formats import coco
from vesalius.data.boxes.found import Found, Images
from vesalius.errors import UserError

_LAYOUTS = (
    "COCO's JSON, YOLO's labels/ with data.yaml or classes.txt, Pascal VOC's Annotations/, or Lightly's .lightly/predictions/TASK"
)


def tasks(root: Path, images: Images) -> dict[str, str]:
    """What boxes there are below ``root``: the format of each by its task's name."""
    found: dict[str, str] = {}
    for name in registry.names("boxes"):
        for task in registry.entry("boxes", name).tasks(root, images):
            found[f"{name}-{task}" if task in found else task] = name
    return found


def read(root: Path, images: Images, task: str | None = None) -> Found:
    """The boxes of ``task``, or of the only one that there is.

    Raises UserError where there is none, more than one and none is named, or none of that name.
    """
    known = tasks(root, images)
    if not known:
        raise UserError(f"There are no boxes beside the images of {root}. They are read as {_LAYOUTS}; docs/object-crops.md shows each.")
    if task is None:
        if len(known) > 1:
            first = next(iter(known))
            raise UserError(f"Several kinds of boxes lie beside the images of {root}: {', '.join(known)}. Name one, as crops@FOLDER:{first}.")
        (task,) = known
    if task not in known:
        near = get_close_matches(task, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UserError(f"No boxes called {task!r} lie beside the images of {root}.{hint} There are: {', '.join(known)}.")
    name = known[task]
    found: Found = registry.entry("boxes", name).read(root, task.removeprefix(f"{name}-") if task.startswith(f"{name}-") else task, images)
    return found


def read_file(place: Path, root: Path, images: Images) -> Found:
    """The boxes of the images of ``root`` that lie elsewhere: one of COCO's files, or a folder in any format.

    Raises UserError where there is nothing at ``place``.
    """
    if place.is_dir():
        return read(place, images)
    if not place.is_file():
        raise UserError(f"There are no boxes at {place}. Give a .json file of COCO's, or a folder of boxes, as crops@FOLDER:boxes=PATH.")
    return coco.of_files([place], images, root)
