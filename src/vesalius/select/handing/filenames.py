"""``filenames``: names relative to the data's root, one on a line, in the order of choice."""

from __future__ import annotations

from pathlib import Path

from vesalius.files import atomic_write
from vesalius.select.handed import Handed
from vesalius.select.selected import Selected

NEEDS: tuple[str, ...] = ()


def write(selected: Selected, out: Path) -> Handed:
    """The list, as ``relevant_filenames_file`` and ``preselected`` read it again."""
    atomic_write(out, "".join(f"{name}\n" for name in selected.names))
    return Handed((out,))
