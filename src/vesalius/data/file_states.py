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
            states = {path: _state(path) for path in dict.fromkeys(paths)}
            found = [states[path] for path in paths]
        both = np.array(found, np.int64).reshape(-1, 2)
        return cls(paths, names, both[:, 0], both[:, 1], objects)


def _state(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        folder, mark, _ = path.rpartition("#")  # one series of a folder
        return _state(folder) if mark and os.path.isdir(folder) else ABSENT
    if stat.S_ISDIR(found.st_mode):
        return _state_of_folder(path)
    return found.st_size, found.st_mtime_ns


def _state_of_folder(path: str) -> tuple[int, int]:
    """Bytes of all files in the folder, and the time of its latest change."""
    with os.scandir(path) as entries:
        states = [entry.stat() for entry in entries if entry.is_file()]
    return sum(found.st_size for found in states), max((found.st_mtime_ns for found in states), default=0)
