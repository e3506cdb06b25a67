"""Other voxel sizes: one small matrix an axis, so that a volume is three products of matrices.

Images are interpolated linearly. Where voxels become larger, each new one is the mean of that interpolation over a width of
``sqrt(step**2 - 1)`` old voxels, which makes of the old voxels' width of 1 the new one's (widths add up by their squares):
otherwise slices thinner than the new ones are left out or taken by chance, and their noise is kept. What is linear in space stays
as it is. Where voxels become smaller this is MONAI's Spacingd (``bilinear``, ``border``) to the last digits of float32. Labels
take the nearest voxel. The first voxel keeps its place and the last lies within half a step of its own, as in MONAI.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_NARROW = 1e-3


def length(voxels: int, step: float) -> int:
    """How many voxels ``voxels`` become when each new one is ``step`` old ones long."""
    return max(1, int(np.round((voxels - 1) / step + 1)))


def linear(places: NDArray[np.float64], voxels: int, step: float = 1.0) -> NDArray[np.float32]:
    """(n, voxels) weights of old voxels for new ones at ``places`` (n,), counted in old voxels and ``step`` of them long."""
    last, old = voxels - 1, np.arange(voxels)
    half = np.sqrt(max(0.0, step**2 - 1)) / 2
    if half < _NARROW:
        at = np.clip(places, 0, last)
        return np.asarray(np.maximum(0, 1 - np.abs(at[:, None] - old)), np.float32)
    low, high = (np.clip(places + side, 0, last)[:, None] - old for side in (-half, half))
    weights = _below(high) - _below(low)
    weights[:, 0] += np.clip(half - places, 0, 2 * half)  # beyond its ends a volume goes on as at its ends
    weights[:, -1] += np.clip(places + half - last, 0, 2 * half)
    return np.asarray(weights / (2 * half), np.float32)


def _below(ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """The integral of a voxel's share in a linear interpolation, ``max(0, 1 - |t|)``, up to ``ends``."""
    t = np.clip(ends, -1, 1)
    return np.asarray(np.where(t < 0, (1 + t) ** 2 / 2, 1 - (1 - t) ** 2 / 2))


def nearest(places: NDArray[np.float64], voxels: int) -> NDArray[np.int64]:
    """(n,) the old voxel nearest to each of ``places``."""
    return np.clip(np.floor(places + 0.5), 0, voxels - 1).astype(np.int64)


def along(values: Any, axis: int, weights: Any) -> Any:
    """``values`` (an array or a tensor) times ``weights`` (new, old) along ``axis``."""
    shape = tuple(values.shape)
    after = int(np.prod(shape[axis + 1 :], dtype=np.int64))
    if after == 1:
        made = values.reshape(-1, shape[axis]) @ weights.T
    else:
        made = weights @ values.reshape(-1, shape[axis], after)
    return made.reshape(*shape[:axis], weights.shape[0], *shape[axis + 1 :])
