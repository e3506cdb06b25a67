"""Other voxel sizes: one small matrix an axis, so that a volume is three products of matrices.

Images are interpolated linearly. Where voxels become larger, each new one is a mean over all it covers, weighted by a triangle
that is as much wider (what Pillow and torch call antialiasing): a slice 2.5 times thinner than the new ones would otherwise be
left out or taken by chance, and its noise kept. Where they become smaller this is MONAI's Spacingd (``bilinear``, ``border``)
to the last digits of float32. Labels take the nearest voxel. The first voxel keeps its place and the last lies
within half a step of its own, as in MONAI.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def length(voxels: int, step: float) -> int:
    """How many voxels ``voxels`` become when each new one is ``step`` old ones long."""
    return max(1, int(np.round((voxels - 1) / step + 1)))


def linear(places: NDArray[np.float64], voxels: int, step: float) -> NDArray[np.float32]:
    """(n, voxels) weights of old voxels for new ones at ``places`` (n,), counted in old voxels and ``step`` of them apart."""
    wide = max(1.0, step)
    at = np.clip(places, 0, voxels - 1)
    weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(voxels)) / wide)
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


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
