"""``copies``: the selected files in a folder, under their relative paths, byte for byte."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from vesalius.files import atomic_write, contents, is_remote, sibling
from vesalius.select import taken
from vesalius.select.handed import Handed
from vesalius.select.selected import Selected
from vesalius.select.taken import begun

__all__ = ["NEEDS", "begun", "write"]

NEEDS: tuple[str, ...] = ("table",)


def write(selected: Selected, out: Path) -> Handed:
    """Each file with its time; a copy that is there with the same size and time is not made again."""
    return taken.take(selected, out, _copy, _same)


def _copy(place: Path, target: Path) -> None:
    if is_remote(place):
        atomic_write(target, contents(place))
        return
    draft = sibling(target)
    try:
        shutil.copy2(place, draft)
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _same(place: Path, target: Path) -> bool:
    if is_remote(place):
        return True
    here, there = place.stat(), target.stat()
    return (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns)
