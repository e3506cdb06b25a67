"""Vectors on their way to a file: a memory-mapped array that a later call goes on with after a kill."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.files import atomic_write, naming_failures, require_room


class Partial:
    """``folder`` holds ``vectors.npy`` (N, D) float32 and ``done.json``: how many rows are safely on disk, and of what.

    ``key`` says what the vectors are; a folder of another key is started anew.
    """

    def __init__(self, folder: Path, key: str, rows: int, resume: bool = True) -> None:
        self.folder, self.key, self.rows = folder, key, rows
        self.done = 0
        self.vectors: NDArray[np.float32] | None = None
        if not (resume and self._go_on()):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)

    def add(self, block: NDArray[np.float32]) -> None:
        """Append rows; they count once ``keep`` was called."""
        if self.vectors is None:
            require_room(self.folder, self.rows * block.shape[1] * 4, "the vectors")
            shape = (self.rows, block.shape[1])
            self.vectors = np.lib.format.open_memmap(self._file, mode="w+", dtype=np.float32, shape=shape)
        self.vectors[self.done : self.done + len(block)] = block
        self.done += len(block)

    def keep(self) -> None:
        """Write what was added to disk, then say so."""
        with naming_failures(self.folder):
            if isinstance(self.vectors, np.memmap):
                self.vectors.flush()
            dim = 0 if self.vectors is None else self.vectors.shape[1]
            marker: dict[str, Any] = {"key": self.key, "done": self.done, "rows": self.rows, "dim": dim}
            atomic_write(self.folder / "done.json", json.dumps(marker))

    def discard(self) -> None:
        """Delete the folder."""
        self.vectors = None
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _file(self) -> Path:
        return self.folder / "vectors.npy"

    def _go_on(self) -> bool:
        try:
            marker = json.loads((self.folder / "done.json").read_text())
            vectors = np.lib.format.open_memmap(self._file, mode="r+")
        except (OSError, ValueError):
            return False
        if marker.get("key") != self.key or vectors.shape != (self.rows, marker.get("dim")):
            return False
        self.vectors, self.done = vectors, int(marker["done"])
        return True
