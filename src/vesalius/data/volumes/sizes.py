"""How large a volume will be, by the first bytes of its file."""

from __future__ import annotations

import math
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
_MOST_SIDE = 1 << 16  # what a point's 16 bits can count
_MOST, _TIMES = 1 << 31, 64  # voxels, and how many of them for one of the file: no scan is finer than so by mistake alone


def refused_size(own: tuple[int, ...], spacing: tuple[float, ...] | None, there: tuple[int, ...]) -> str:
    """Why a volume of ``own`` voxels of ``spacing`` mm, which are ``there`` at the plan's spacing, is left out; "" where it is not."""
    voxels = math.prod(there)
    if max(there) < _MOST_SIDE and (voxels <= _MOST or voxels <= _TIMES * math.prod(own)):
        return ""
    sides = "" if spacing is None else f"; its own are {' x '.join(f'{side:.3g}' for side in spacing)} mm, which its header may have wrong"
    return f"It would have {' x '.join(map(str, there))} voxels at the plan's spacing{sides}."


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
    sizes = ((size_of(sources, row), labelled[row]) for row in rows.tolist())
    voxels = ((stored_voxels(size, plan), mask) for size, mask in sizes)
    return int(sum(count * (2 if mask is None else 3) for count, mask in voxels))


def stored_voxels(size: Size, plan: Plan) -> int:
    """Voxels that a volume of ``size`` has at the plan's spacing; 0 where it will be left out."""
    there = size.at(plan.spacing)
    return 0 if refused_size(size.shape, size.spacing, there) else math.prod(there)


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
