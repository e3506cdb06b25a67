"""A whole stored volume through a network that sees patches: overlapping windows, each voxel's logits their weighted mean.

The windows, their weights and the mean are those of MONAI's ``sliding_window_inference``; the patches are read from the store a
few at a time, so that the volume itself is never in memory as floating point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vesalius.data.pixels import Pixels
from vesalius.data.to_device import to_device

_ON_DEVICE = 2 << 30
"""Bytes of logits up to which they are added up on the network's own device, and not in the host's memory."""
_SIGMA = 0.125
_LEAST = 1e-3
_SLAB = 1 << 22
"""Voxels times classes that are made probabilities at a time."""


class Volumes(Protocol):
    """What is asked of a VolumeStore."""

    @property
    def extents(self) -> NDArray[np.int64]:
        """(N, 3) stored size of each record."""

    def read(self, rows: NDArray[np.int64], windows: NDArray[np.int64], out: Pixels | None = None) -> Pixels:
        """Windows (B, R, 2, 3) of records (B, R)."""


@dataclass(frozen=True)
class Windows:
    """``patch``: voxels per side of a window. ``overlap``: share of a side that neighbours have in common. ``mode``: whether the
    middle of a window counts more than its rim, where a network sees less around it. ``batch``: windows at a time.
    """

    patch: tuple[int, ...]
    overlap: float = 0.5
    mode: Literal["gaussian", "constant"] = "gaussian"
    batch: int = 4

    def starts(self, extent: Sequence[int]) -> NDArray[np.int64]:
        """``(n, 3)`` first voxels of the windows that cover a volume of ``extent``, each side at least the patch's."""
        sides = []
        for whole, side in zip(extent, self.patch, strict=True):
            step = side if whole == side else max(1, int(side * (1 - self.overlap)))
            count = next(n for n in range(whole + 1) if n * step + side >= whole) + 1
            sides.append(np.minimum(np.arange(count) * step, whole - side))
        return np.stack(np.meshgrid(*sides, indexing="ij"), -1).reshape(-1, len(sides)).astype(np.int64)

    def weights(self) -> Float[Tensor, "x y z"]:
        """What each voxel of a window counts."""
        if self.mode == "constant":
            return torch.ones(self.patch)
        weights = torch.ones(())
        for side in self.patch:
            far = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
            weights = weights[..., None] * torch.exp(-(far**2) / (2 * (_SIGMA * side) ** 2))
        return weights.clamp_(min=max(float(weights.min()), _LEAST))


def probabilities(
    network: Callable[[Tensor], Tensor],
    store: Volumes,
    row: int,
    windows: Windows,
    *,
    device: torch.device | None = None,
    autocast: torch.dtype | None = None,
) -> Float[Tensor, "classes x y z"]:
    """Probability of each class at each voxel of record ``row``, single precision; ``network`` gives logits of (B, C, *patch).

    The result lies on ``device`` where it is small, else in the host's memory. Records smaller than a patch are padded with 0,
    as the training's views pad them.
    """
    device = device or torch.device("cpu")
    extent = store.extents[row]
    canvas = np.maximum(extent, windows.patch)
    before = (canvas - extent) // 2
    weights = windows.weights().to(device)
    total = count = torch.empty(0)
    with torch.no_grad():
        for at in np.array_split(starts := windows.starts(canvas.tolist()), -(-len(starts) // windows.batch)):
            x = to_device(_patches(store, row, at, before, windows.patch), device)
            with torch.autocast(device.type, dtype=autocast or torch.bfloat16, enabled=autocast is not None):
                logits = network(x)
            if not total.numel():
                needs = 4 * logits.shape[1] * int(canvas.prod())
                place = device if needs <= _ON_DEVICE else torch.device("cpu")
                total = torch.zeros(logits.shape[1], *canvas.tolist(), device=place)
                count = torch.zeros(*canvas.tolist(), device=place)
                here = weights.to(place)
            weighed = (logits.float() * weights).to(total.device)
            for start, found in zip(at, weighed, strict=True):
                box = tuple(slice(int(first), int(first) + side) for first, side in zip(start, windows.patch, strict=True))
                total[(slice(None), *box)] += found
                count[box] += here
        inside = tuple(slice(int(b), int(b + e)) for b, e in zip(before, extent, strict=True))
        return _made_probabilities(total[(slice(None), *inside)], count[inside])


def _patches(store: Volumes, row: int, starts: NDArray[np.int64], before: NDArray[np.int64], patch: Sequence[int]) -> Tensor:
    """``(n, C, *patch)`` as the network sees them, of windows that begin at ``starts`` of the padded record."""
    extent = store.extents[row]
    first = np.maximum(starts - before, 0)
    last = np.minimum(starts - before + np.asarray(patch), extent)
    pixels = store.read(np.full((len(starts), 1), row, np.int64), np.stack([first, last], 1)[:, None])
    values = prepared(pixels)[:, 0]
    gaps = [(int(b), int(p - v - b)) for b, p, v in zip(before, patch, values.shape[2:], strict=True)]
    return F.pad(values, [side for gap in reversed(gaps) for side in gap]) if any(map(any, gaps)) else values


def prepared(pixels: Pixels) -> Float[Tensor, "batch reads channel *canvas"]:
    """Stored integers as what a network sees: scaled, moved, and held between 0 and 1 where their plan says so."""
    shape = (*pixels.scale.shape, *[1] * (pixels.data.ndim - 2))
    values = pixels.data.to(torch.float32) * pixels.scale.view(shape) + pixels.offset.view(shape)
    return values.clamp_(0, 1) if pixels.clip else values


def _made_probabilities(logits: Tensor, count: Tensor) -> Tensor:
    """``logits`` over ``count``, made probabilities in place, slab by slab."""
    out = logits.contiguous()
    step = max(1, _SLAB // max(1, out[:, 0].numel()))
    for start in range(0, out.shape[1], step):
        slab = slice(start, start + step)
        out[:, slab] = (out[:, slab] / count[slab]).softmax(0)
    return out
