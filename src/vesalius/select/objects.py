"""The parts of images that a selection looks at: objects of a task, cut out with some of their surroundings, or the tiles of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vesalius.data import crops
from vesalius.data.boxes import reading
from vesalius.data.boxes.found import NO_IMAGE, Images
from vesalius.data.crops import counted, owners
from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.files import is_remote
from vesalius.select.config import TilingConfig
from vesalius.terminal import Terminal

__all__ = ["counted", "crops_of", "owners", "tasks_of"]


def tasks_of(table: SampleTable, tiles: Sequence[TilingConfig] = ()) -> list[str]:
    """The tasks whose objects ``crops_of`` can give: grids by their names, and whatever boxes lie beside the images."""
    return [*(grid.name for grid in tiles), *(reading.tasks(Path(table.root), _images(table)) if _in_files(table) else ())]


def crops_of(
    table: SampleTable, task: str, *, tiling: TilingConfig | None = None, padding: float = 0.0, terminal: Terminal | None = None
) -> SampleTable:
    """The objects of ``task`` in the images of ``table``, each with its image's id as ``parent``; images without any have no row.

    ``tiling``: the grid that the task stands for (the original's auto task TILING); its tiles have no padding. Without it ``task`` is one of
    ``.lightly/predictions``, or other boxes beside the images, as ``crops@FOLDER:TASK`` names them. ``padding``: the share of a box's sides that
    is added to them. What cannot be cut out is said on ``terminal``, by name. Raises UserError, naming the tasks that there are, for another
    name, and where no box can be cut out.
    """
    terminal = terminal or Terminal(quiet=True)
    if tiling is not None:
        parts = crops.tiles(table, tiling.num_rows, tiling.num_cols, overlap=tiling.overlap)
    elif _in_files(table):
        found = reading.read(Path(table.root), _images(table), task)
        found.lost.pop(NO_IMAGE, None)  # of a folder's images some may be meant here,
        found.splits.clear()  # and which, the selection has said
        parts = crops.crops(table, found, padding=padding)
    else:
        raise UserError(
            f"The images of {table.source} lie in no folder on this machine, beside which boxes of {task!r} could be. Name a grid of tiles,"
            " or give a folder of image files."
        )
    for said in (*(one for one in parts.warnings if one not in table.warnings and one != crops.BY_IMAGE), *parts.asides[len(table.asides) :]):
        terminal.say(said)
    return parts


def _in_files(table: SampleTable) -> bool:
    return bool(table.root) and table.container is None and not is_remote(table.root)


def _images(table: SampleTable) -> Images:
    return Images(table.frame["uri"].tolist())
