"""Lightly's predictions: ``.lightly/predictions/TASK``, one JSON file an image. Of segmentations the box around what is set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vesalius.data.boxes.found import Found, Images
from vesalius.data.boxes.sizes import size_of
from vesalius.data.lightly_predictions import decoded
from vesalius.data.lightly_predictions import read as read_predictions
from vesalius.data.lightly_predictions import tasks as listed
from vesalius.errors import UserError


def tasks(root: Path, images: Images) -> list[str]:
    """Those that ``tasks.json`` lists."""
    return listed(root)


def read(root: Path, task: str, images: Images) -> Found:
    """Every object of ``task``. Raises UserError for a task of classes, which have no place in the image."""
    said = read_predictions(root, task, images.uris)
    if said.kind == "classification":
        raise UserError(f"The predictions of {task} are classes of whole images, which hold no objects to cut out. Name a task of detection or segmentation.")
    found = Found(classes=list(said.categories), images={images.uris[row] for row in np.flatnonzero(said.known)})
    for at, (row, kind) in enumerate(zip(said.owner.tolist(), said.category.tolist(), strict=True)):
        uri, sides = images.uris[row], said.box[at].tolist()
        if np.isnan(sides).any() and said.runs[at]:
            width, height = found.sizes.setdefault(uri, size_of(root / uri))
            try:
                mask = decoded(said.runs[at], width, height)
            except ValueError:
                found.lose("of segmentations of another size than their image", uri)
                continue
            down, across = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            if not len(down):
                found.lose("without an area", uri)
                continue
            sides = [int(across[0]), int(down[0]), int(across[-1] - across[0] + 1), int(down[-1] - down[0] + 1)]
        found.add(uri, sides, said.categories[kind], float(said.score[at]))
    return found
