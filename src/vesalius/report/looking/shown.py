"""A picture of the run on the page: no larger than it is looked at, within its share of the bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from PIL import Image

from vesalius.report.pictures import data_uri, open_picture
from vesalius.report.reading import RunRecord

_SIDE = 384
"""Pixels of the longer side, twice of what a tile has on a screen."""


@dataclass(frozen=True)
class Shown:
    """A ``data:`` address with the picture's pixels; empty where there is none. ``small``: to be enlarged by whole pixels."""

    address: str = ""
    width: int = 0
    height: int = 0
    small: bool = False


def shown(run: RunRecord, name: str, budget: int, side: int = _SIDE) -> Shown:
    """The picture ``name`` of ``run``, a path in it, of at most ``budget`` bytes; empty where it cannot be read or lies outside."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        return Shown()
    picture = open_picture(run.path / path)
    if picture is None:
        return Shown()
    if max(picture.size) > side:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    address, _ = data_uri(picture, budget)
    return Shown(address, picture.width, picture.height, max(picture.size) < 100) if address else Shown()


def stops(name: str) -> str:
    """The colour map as the stops of a gradient in CSS."""
    import numpy as np

    from vesalius.figures import MAPS, coloured

    row = coloured(np.linspace(0, 1, 12)[None], 0, 1, name if name in MAPS else MAPS[0])[0]
    return ", ".join(f"rgb({r} {g} {b})" for r, g, b in row.tolist())
