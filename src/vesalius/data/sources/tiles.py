"""A grid of tiles over each image, in place of the whole: small things in large pictures, as from satellites, drones or microscopes.

``tiles@FOLDER:2x3`` cuts 2 rows of 3 tiles; ``tiles@FOLDER:2x3:overlap=0.2`` lets neighbours share a fifth of a tile's side. FOLDER may be
any images that a reference names. Licence: the images'.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from vesalius.data import crops
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec
from vesalius.errors import UserError

TASKS: dict[str, TaskSpec] = {}
OF_IMAGES = True
"""Built from another reference's images, which ``index`` is given."""
OPTIONS: Mapping[str, Callable[[str], object]] = {"overlap": float}


def index(root: Path, images: SampleTable, *, task: str | None = None, overlap: float = 0.0) -> SampleTable:
    """The table of the tiles of ``images``; ``task``: ROWSxCOLUMNS. Raises UserError where it is something else."""
    match = re.fullmatch(r"(\d{1,3})x(\d{1,3})", task or "")
    if match is None:
        raise UserError(f"tiles@{root}{f':{task}' if task else ''} does not say how many tiles: write rows x columns, as tiles@FOLDER:2x3.")
    return crops.tiles(images, int(match[1]), int(match[2]), overlap=overlap)
