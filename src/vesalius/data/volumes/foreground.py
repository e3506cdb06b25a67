"""What of a volume is foreground, the box around it, and voxels in it from which patches are drawn.

Rules of a plan: a number, everything above it (HU; MONAI's ``CropForeground`` with ``x > number``); ``nonzero``, everything
but 0 (skull-stripped MR); ``otsu``, everything above the lower of the two thresholds that part the volume's values into three
classes, such as air, soft tissue and what is bright, with the greatest variance between them (N. Otsu, IEEE Trans. SMC 9, 1979;
one threshold alone often falls between two tissues and would cut the darker one off). They are sought over 256 steps from the
least value to the 99.9th percentile, so that a few bright voxels do not move them. The rule is applied on the plan's grid, to
the values as resampled. A volume without any foreground, such as a constant one, counts as foreground altogether.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

POINTS = 2048
"""Voxels kept of the foreground, of each label and of the background within it."""

_STEPS = 256
_LOOKED_AT = 4 << 20  # voxels, evenly taken, whose values make Otsu's threshold
_FINE = 1 << 16
_MOST = 0.999


def foreground(values: NDArray[Any], rule: float | Literal["nonzero", "otsu"]) -> NDArray[np.bool_]:
    """``(x, y, z)`` where ``values`` are foreground."""
    if rule == "nonzero":
        mask = values != 0
    elif rule == "otsu":
        mask = values > otsu(values)
    else:
        mask = values > rule
    return mask if mask.any() else np.ones(values.shape, bool)


def otsu(values: NDArray[Any]) -> float:
    """The lower of Otsu's two thresholds of ``values``, of any shape (...,): the middle of the last step of the darkest of three classes."""
    flat = values.ravel(order="K")
    flat = flat[:: -(-len(flat) // _LOOKED_AT)]
    low, high = float(flat.min()), float(flat.max())
    if low == high:
        return high
    counts, edges = np.histogram(flat, _FINE, (low, high))
    high = float(edges[1 + np.searchsorted(np.cumsum(counts), _MOST * len(flat))])
    counts, edges = np.histogram(flat, _STEPS, (low, high))
    middles = (edges[1:] + edges[:-1]) / 2
    voxels, sums = np.cumsum(counts), np.cumsum(counts * (middles - low))
    first, second = np.triu_indices(_STEPS - 1, 1)  # the last step of the first class and of the second

    def between(voxels: NDArray[Any], sums: NDArray[Any]) -> NDArray[Any]:
        found: NDArray[Any] = sums**2 / np.maximum(voxels, 1)
        return found

    parted = between(voxels[first], sums[first]) + between(voxels[second] - voxels[first], sums[second] - sums[first])
    parted += between(voxels[-1] - voxels[second], sums[-1] - sums[second])
    return float(middles[first[np.argmax(parted)]])


def box_around(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """``(2, 3)`` the first voxel of ``mask`` along each axis and the one after its last. Raises ValueError for an empty mask."""
    box = np.zeros((2, 3), np.int64)
    for axis in range(3):
        there = np.flatnonzero(mask.any(tuple(other for other in range(3) if other != axis)))
        if not len(there):
            raise ValueError("an empty mask has no box")
        box[:, axis] = there[0], there[-1] + 1
    return box


def points_of(mask: NDArray[np.bool_], draw: np.random.Generator, count: int = POINTS) -> NDArray[np.uint16]:
    """``(n, 3)`` different voxels of ``mask``, drawn evenly and in its order; all of them where there are no more than ``count``."""
    return drawn(lambda x: mask[x], np.count_nonzero(mask, axis=(1, 2)), draw, count)


def drawn(
    plane: Callable[[int], NDArray[np.bool_]], counts: NDArray[np.int64], draw: np.random.Generator, count: int = POINTS
) -> NDArray[np.uint16]:
    """As ``points_of``, of a mask told plane by plane: ``plane(x)`` (y, z) with ``counts[x]`` voxels each."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    ranks = np.arange(total) if total <= count else np.sort(draw.choice(total, count, replace=False, shuffle=False))
    planes = np.searchsorted(ends, ranks, side="right")
    out = np.empty((len(ranks), 3), np.uint16)
    out[:, 0] = planes
    for x in np.unique(planes).tolist():
        of_plane = planes == x
        inside = plane(x)
        at = np.flatnonzero(inside)[ranks[of_plane] - (ends[x] - counts[x])]
        out[of_plane, 1], out[of_plane, 2] = np.divmod(at, inside.shape[1])
    return out
