"""How large a volume will be, by the first bytes of its file."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vesalius.data.outcomes import Unreadable
from vesalius.data.plan import Plan

if TYPE_CHECKING:
    from vesalius.data.building import Sources

_START = 4096
_PACKED = 3  # a common ratio of compression


@dataclass(frozen=True)
class Size:
    """``shape`` in voxels of ``itemsize`` bytes and ``spacing`` mm, of a file of ``file`` bytes."""

    shape: tuple[int, ...]
    itemsize: int
    file: int
    spacing: tuple[float, ...] | None = None

    def at(self, spacing: tuple[float, ...] | None) -> tuple[int, ...]:
        """The sides at another ``spacing``; the file's own where either is not known."""
        if spacing is None or self.spacing is None:
            return self.shape
        # The order of axes may change with the orientation: the product, which is what is asked, nearly does not.
        return tuple(max(1, round(side * own / new)) for side, own, new in zip(self.shape, self.spacing, spacing))


def size_of(sources: Sources, row: int) -> Size:
    """Of one sample. NIfTI tells; of other files it is judged by their bytes."""
    if sources.container is not None:
        array = sources.container(sources.uris[row])
        return Size(array.shape[1:], array.dtype.itemsize, 0)
    bytes_ = max(0, int(sources.sizes[row]))
    path = sources.paths[row]
    if sources.objects is None:
        with suppress(OSError, Unreadable):
            if (known := _of_nifti(path, bytes_)) is not None:
                return known
    loose = os.path.isdir(path.partition("#")[0])  # slices of a series, rarely packed
    return Size((max(1, bytes_ * (1 if loose else _PACKED) // 2),), 2, bytes_)


def estimated_bytes(sources: Sources, rows: NDArray[np.int64], plan: Plan) -> int:
    """Bytes that storing ``rows`` will take at most: the foreground, to which volumes are cut, is not known before."""
    labelled = sources.masks or [None] * len(sources.ids)
    sizes = ((np.prod(size_of(sources, row).at(plan.spacing), dtype=np.float64), labelled[row]) for row in rows.tolist())
    return int(sum(voxels * (2 if mask is None else 3) for voxels, mask in sizes))


def _of_nifti(path: str, bytes_: int) -> Size | None:
    from vesalius.data.readers.volume_nifti import header_of, is_nifti
    from vesalius.data.readers.volume_parts import inflated

    with open(path, "rb") as file:
        start = file.read(_START)
    packed = start[:2] == b"\x1f\x8b"
    if not is_nifti(inflated(start, 540) if packed else start):
        return None
    header = header_of(start)
    return Size(
        tuple(int(side) for side in header.get_data_shape()[:3]),
        int(header.get_data_dtype().itemsize),
        bytes_,
        tuple(float(side) for side in header.get_zooms()[:3]),
    )
