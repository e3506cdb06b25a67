"""Axial slices of a volume as images, windowed to 8 bits, made when they are asked for."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vesalius.data.readers.volume import read_volume
from vesalius.data.volumes.orientation import turn, turned

Which = Literal["middle", "lung", "seven"]
"""``middle``: the slice at half the depth; ``lung``: the one with most air within the body; ``seven``: evenly spaced ones of the
middle half."""

_SEVEN = 7
_LUNG = (-950.0, -500.0)  # HU of aerated lung: air outside is darker
_STEP = 4  # of the voxels that are counted for ``lung``
_AT_ONCE = threading.BoundedSemaphore(4)  # a volume takes hundreds of megabytes while it is unpacked


@dataclass(eq=False)
class Slices:
    """``which`` slices of the volume at ``path``, ``low`` to ``high`` HU as 0 to 255; indexed as an array (slices, height, width).

    Rows run to the back and columns to the patient's left, as radiologists look at them. Raises Unreadable, when it is indexed,
    for a file that is no volume.
    """

    path: Path
    which: Which
    low: float
    high: float
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.uint8))
    _made: NDArray[np.uint8] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return _SEVEN if self.which == "seven" else 1

    def __getitem__(self, frame: int) -> NDArray[np.uint8]:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            made = self._made
        found: NDArray[np.uint8] = made[frame]
        return found

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(N, 512, 512)``: what a CT slice has; what is stored is as it is."""
        return len(self), 512, 512

    @property
    def ndim(self) -> int:
        """3: grey images."""
        return 3

    @property
    def nbytes(self) -> int:
        """About what all slices take."""
        return int(np.prod(self.shape))

    def _make(self) -> NDArray[np.uint8]:
        with _AT_ONCE:
            volume = read_volume(self.path)
            values = turned(volume.values, *turn(volume.affine, "LPS"))
            rows = chosen(values, self.which)
            some = np.ascontiguousarray(values[:, :, rows].transpose(2, 1, 0), np.float32)
        scaled = (np.clip(some, self.low, self.high) - self.low) / (self.high - self.low)
        return (scaled * 255).astype(np.uint8)  # cut down, as the original does


def chosen(values: NDArray[Any], which: Which) -> list[int]:
    """The numbers of the slices of ``values`` (x, y, z), HU."""
    depth = values.shape[2]
    if which == "middle":
        return [depth // 2]
    if which == "seven":
        return [int(place) for place in np.linspace(depth / 4, 3 * depth / 4, _SEVEN)]
    some = values[::_STEP, ::_STEP]
    air = ((some > _LUNG[0]) & (some < _LUNG[1])).sum((0, 1))
    return [int(air.argmax())] if air.any() else [depth // 2]
