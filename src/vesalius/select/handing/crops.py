"""``crops``: the objects of the selected images as PNG files, in a folder for each class: ``CLASS/IMAGE-NUMBER.png``.

Of the tasks that were selected by, or, where images were selected as a whole, of every kind of boxes that lies beside them. Grids of tiles are
not objects and are not written.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vesalius.data import readers
from vesalius.data.outcomes import Unreadable
from vesalius.data.reducing import reduced
from vesalius.data.settings import StoreSettings
from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.files import atomic_write
from vesalius.select.handed import Handed
from vesalius.select.objects import crops_of, tasks_of
from vesalius.select.selected import Selected

NEEDS: tuple[str, ...] = ("table",)
_STORED = StoreSettings("native")


def write(selected: Selected, out: Path) -> Handed:
    """Every object of every selected image. Raises UserError where no boxes lie beside the images."""
    images = _of_selected(selected)
    found = tasks_of(images)
    _refuse_none(found)
    asked = [task for task in found if task in selected.candidates.objects] or found
    files: list[Path] = []
    notes: list[str] = []
    for task in asked:
        parts = crops_of(images, task)
        written, lost = _cut(parts, out / task if len(asked) > 1 else out)
        files += written
        notes += [f"Left out of the crops, as it cannot be read: {uri}" for uri in lost]
    return Handed(tuple(files), "", tuple(notes))


def refuse_early(table: SampleTable) -> None:
    """Raise UserError where no boxes lie beside the images of ``table``, before anything is embedded."""
    _refuse_none(tasks_of(table))


def _refuse_none(tasks: Sequence[str]) -> None:
    if not tasks:
        raise UserError("--write crops: no boxes lie beside the images. docs/object-crops.md shows where they are looked for.")


def _of_selected(selected: Selected) -> SampleTable:
    assert selected.table is not None
    frame = selected.candidates.frame
    ids = selected.table.ids if frame is None else frame["id"].to_numpy(np.uint64)
    row_of = {int(number): row for row, number in enumerate(selected.table.ids)}
    rows = [row_of[int(number)] for number in ids[selected.picks.rows] if int(number) in row_of]
    return selected.table.subset(rows)


def _cut(parts: SampleTable, out: Path) -> tuple[list[Path], list[str]]:
    """The files of ``parts``, and the images that cannot be read."""
    names = parts.class_names.get("class", [])
    labels = parts.labels("class").astype(int).tolist() if names else [0] * len(parts)
    files: list[Path] = []
    lost: list[str] = []
    by_image: dict[tuple[str, int], list[int]] = {}
    for row, (uri, frame) in enumerate(zip(parts.frame["uri"].tolist(), parts.frame["frame"].tolist(), strict=True)):
        by_image.setdefault((uri, frame), []).append(row)
    for (uri, frame), rows in by_image.items():
        try:
            decoded = readers.read(parts.path(uri), frame)
        except Unreadable:
            lost.append(uri)
            continue
        for number, row in enumerate(rows):
            pixels = np.moveaxis(reduced(decoded, parts.frame["box"].iloc[row], _STORED).pixels, 0, -1)
            place = out / _plain(names[labels[row]] if names else "object") / f"{_plain(uri.rpartition('.')[0])}-{number:03d}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            files.append(atomic_write(place, _png(pixels)))
    return files, lost


def _plain(text: str) -> str:
    """A name that is one part of a path on every system."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "object"


def _png(pixels: NDArray[Any]) -> bytes:
    """``(H, W, C)`` of 1 or 3 channels as PNG; 16 bits with one channel stay, with three they become 8."""
    if pixels.dtype == np.uint16 and pixels.shape[-1] != 1:
        pixels = (pixels >> 8).astype(np.uint8)
    shown = pixels[..., 0] if pixels.shape[-1] != 3 else pixels
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(shown)).save(file, "PNG")
    return file.getvalue()
