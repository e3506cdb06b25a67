"""Files that hold many images in one array: idx, npz, CIFAR's batches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vesalius import registry
from vesalius.files import place_of


@lru_cache(maxsize=2)
def _read(source: str, root: str, uri: str) -> NDArray[np.uint8]:
    array: NDArray[np.uint8] = registry.entry("sources", source).read(place_of(root), uri)
    if isinstance(array, np.ndarray):  # and not one that is made row by row
        array.setflags(write=False)  # several readers share it
    return array


@dataclass(frozen=True)
class SourceContainer:
    """Reads uris by the ``read(root, uri)`` of a source's file, an array or what is indexed like one; a value, so that it can be saved and sent to workers.

    The last two arrays are kept, so that reading row by row opens a file once.
    """

    source: str
    root: str

    def __call__(self, uri: str) -> NDArray[np.uint8]:
        """``(N, H, W)`` or ``(N, H, W, C)``, read-only."""
        return _read(self.source, self.root, uri)
