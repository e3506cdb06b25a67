"""``links``: a folder of links to the selected files, under their relative paths: symbolic where the system has them, else hard."""

from __future__ import annotations

import os
from pathlib import Path

from vesalius.errors import UserError
from vesalius.files import is_remote
from vesalius.select import taken
from vesalius.select.handed import Handed
from vesalius.select.selected import Selected
from vesalius.select.taken import begun

__all__ = ["NEEDS", "begun", "write"]

NEEDS: tuple[str, ...] = ("table",)


def write(selected: Selected, out: Path) -> Handed:
    """Absolute links. Raises UserError for files behind an address."""
    assert selected.table is not None
    if is_remote(selected.table.root):
        raise UserError(f"{selected.table.root} is an address, and nothing here can link to it. Write copies instead.")
    return taken.take(selected, out, _link, _same)


def _link(place: Path, target: Path) -> None:
    there = Path(os.path.abspath(place))
    if not there.exists():
        raise FileNotFoundError(there)
    target.unlink(missing_ok=True)
    try:
        target.symlink_to(there)
    except (OSError, NotImplementedError):  # Windows without the right to, or a file system without them
        os.link(there, target)


def _same(place: Path, target: Path) -> bool:
    return os.path.samefile(place, target) if target.exists() else False
