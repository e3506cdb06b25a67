"""Values of a volume as 16-bit integers with a scale and an offset, in slabs, so that no second copy of it is held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEVELS = 65535
_SLAB_VOXELS = 4 << 20


@dataclass(frozen=True, eq=False)
class Coded:
    """Value = ``codes * scale + offset``, ``codes`` uint16, contiguous; no voxel is off by more than ``error``."""

    codes: NDArray[np.uint16]
    scale: float
    offset: float
    error: float


def coded(values: NDArray[Any], *, whole: bool = False) -> Coded:
    """``values`` (x, y, z), finite, as codes.

    Whole numbers that span no more than 65,535 are kept as they are, scale 1. ``whole``: so are others, rounded (Hounsfield
    units after resampling, which scanners give as whole numbers). The rest is spread over 65,536 steps from least to greatest.
    """
    low, high = float(values.min()), float(values.max())
    integral = values.dtype.kind in "iu" or _integral(values)
    if (integral or whole) and high - low <= _LEVELS - 1:
        scale, offset, error = 1.0, float(np.floor(low)), 0.0 if integral else 0.5
    else:
        scale, offset = (high - low) / _LEVELS or 1.0, low
        error = scale / 2
    codes = np.empty(values.shape, np.uint16)
    for at in slabs(values.shape):
        part = values[at].astype(np.float64)
        part -= offset
        if scale != 1:
            part /= scale
        codes[at] = np.rint(part, out=part)
    return Coded(codes, scale, offset, error)


def slabs(shape: tuple[int, ...]) -> Iterator[slice]:
    """Stretches of the first axis of a few million voxels each."""
    step = max(1, _SLAB_VOXELS // max(1, int(np.prod(shape[1:]))))
    return (slice(start, min(shape[0], start + step)) for start in range(0, shape[0], step))


def _integral(values: NDArray[Any]) -> bool:
    return all(bool((np.rint(values[at]) == values[at]).all()) for at in slabs(values.shape))
