"""The state of each of a table's files: what tells whether it is still the one that was read."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vesalius.files import ABSENT, Objects, explained, is_remote

if TYPE_CHECKING:
    from vesalius.data.table import SampleTable


@dataclass(frozen=True)
class FileStates:
    """Of each row: ``paths`` for people, ``names`` below the root, ``sizes`` in bytes and ``changed`` (-1 for an absent file).

    ``objects`` reads ``names`` where the root is an address; None where ``paths`` are opened.
    """

    paths: list[str]
    names: list[str]
    sizes: NDArray[np.int64]
    changed: NDArray[np.int64]
    objects: Objects | None

    @classmethod
    def of(cls, table: SampleTable, uris: Sequence[str] | None = None) -> FileStates:
        """Ask about each file once, of ``uris`` where these are not the table's own; many behind an address are found in a listing.

        The state of a folder, which may hold a series, is that of its files together. Raises UserError without an answer.
        """
        uris = table.frame["uri"].tolist() if uris is None else list(uris)
        names = [uri.partition("#")[0] for uri in uris] if table.container is not None else uris
        objects = None
        if (told := getattr(table.container, "states", None)) is not None:  # a data set of the user's own
            paths, found = [os.path.join(table.root, name) for name in names], told(uris)
        elif is_remote(table.root):
            objects = Objects(table.root)
            paths = [f"{table.root.rstrip('/')}/{name}" for name in names]
            try:
                states = objects.states(dict.fromkeys(names))
            except OSError as error:
                raise explained(table.root, error) from None
            found = [states[name] for name in names]
        else:
            paths = [os.path.join(table.root, name) for name in names]
            folders: dict[str, tuple[int, int]] = {}
            states = {path: _state(path, folders) for path in dict.fromkeys(paths)}
            found = [states[path] for path in paths]
        both = np.array(found, np.int64).reshape(-1, 2)
        return cls(paths, names, both[:, 0], both[:, 1], objects)


def _state(path: str, folders: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """Size and time of a file; of a folder, or of one series of it (``folder#series``), those of all its files, asked once."""
    try:
        found = os.stat(path)
    except OSError:
        folder, mark, _ = path.rpartition("#")
        return _state(folder, folders) if mark and os.path.isdir(folder) else ABSENT
    if not stat.S_ISDIR(found.st_mode):
        return found.st_size, found.st_mtime_ns
    if path not in folders:
        states = [os.stat(os.path.join(below, name)) for below, _, names in os.walk(path) for name in names]
        folders[path] = sum(one.st_size for one in states), max((one.st_mtime_ns for one in states), default=0)
    return folders[path]
