"""The items of a user's data set as arrays that the store can be built from, one item at a time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.own.items import pixels_of
from vesalius.data.own.opening import Opened, code_mark, opened

_LOOKED_AT = 8


@dataclass(frozen=True)
class OwnContainer:
    """``code`` at ``root`` in the state ``mark``; a uri is a part, or the file of one item."""

    code: str
    root: str
    mark: str

    def __call__(self, uri: str) -> Any:
        """The items behind ``uri``, numbered as the table's frames, with ``shape`` and ``nbytes`` as some of them have."""
        data = opened(self.code, self.root, self.mark)
        part, only = data.places.get(uri, (uri, None))
        return Items(data, part, only, _shape(self.code, self.root, self.mark))

    def states(self, uris: Sequence[str]) -> list[tuple[int, int]]:
        """What changes when an item must be read again: with its file and the code, else with anything below the root."""
        by_file = opened(self.code, self.root, self.mark).places
        found = {
            uri: _number(
                f"{code_mark(self.code)}{_stat(os.path.join(self.root, uri))}" if uri in by_file else self.mark
            )
            for uri in set(uris)
        }
        return [(found[uri], 0) for uri in uris]


@dataclass(frozen=True)
class Items:
    """Items of one part, or the ``only`` one; reads as an array would, but makes nothing before it is asked."""

    data: Opened
    part: str
    only: int | None
    shape_of_one: tuple[int, ...]

    def __len__(self) -> int:
        return 1 if self.only is not None else len(self.data.parts[self.part])

    def __getitem__(self, frame: int) -> NDArray[Any]:
        """``(H, W, C)``. Raises Unreadable, naming the kind of error alone, where the data set raises one."""
        index = frame if self.only is None else self.only
        try:
            return pixels_of(self.data.item(self.part, index).image)
        except (Unreadable, MemoryError):
            raise
        except Exception as error:
            raise Unreadable(
                Kind.CORRUPT, f"Item {index} of {self.data.name} raised {type(error).__name__}."
            ) from error

    @property
    def shape(self) -> tuple[int, ...]:
        """``(N, H, W)`` for grey images, else ``(N, H, W, C)``, as the largest of some items is."""
        return (len(self), *(self.shape_of_one[:2] if self.shape_of_one[2] == 1 else self.shape_of_one))

    @property
    def ndim(self) -> int:
        """3 or 4."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """What is stored at most."""
        return np.dtype(np.uint16)

    @property
    def nbytes(self) -> int:
        """About what all would take."""
        return 2 * len(self) * int(np.prod(self.shape_of_one))


@lru_cache(maxsize=4)
def _shape(code: str, root: str, mark: str) -> tuple[int, ...]:
    """Height, width and channels: the most of some items of each part."""
    data = opened(code, root, mark)
    shapes = []
    for part, items in data.parts.items():
        for index in np.unique(np.linspace(0, len(items) - 1, min(_LOOKED_AT, len(items))).astype(int)).tolist():
            with suppress(Exception):  # the store names what cannot be read
                shapes.append(pixels_of(data.item(part, index).image).shape)
    return tuple(int(n) for n in np.max(shapes, axis=0)) if shapes else (1, 1, 1)


def _stat(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") >> 2
