"""Turned, sheared and bent views of large images on the CPU: one at a time, so that what is worked on stays in the cache."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.pixels import Pixels
from vesalius.views import bank
from vesalius.views.bending import bend
from vesalius.views.frame import Frame

ONE_BY_ONE_FROM = 96
"""Least side of a view, in pixels, at which calls for one image cost less than passes over many."""
_EVEN = 0x00FF00FF
"""The even bytes of a 32-bit word."""


class Levels:
    """Each image at half its size, and half of that, as often as a view asks: sums of 2 x 2 pixels, in whole numbers where it can."""

    def __init__(self, data: Tensor) -> None:
        self.data = data
        self._found: dict[tuple[int, int], Tensor] = {}

    def of(self, sample: int, level: int) -> Tensor:
        """``(1, C, height, width)``: image ``sample`` as sums of 2^level x 2^level pixels, floating point."""
        key = (sample, level)
        if key not in self._found:
            self._found[key] = self._sums(sample, level).float().unsqueeze(0)
        return self._found[key]

    def _sums(self, sample: int, level: int) -> Tensor:
        return halved(self._sums(sample, level - 1)) if level else self.data[sample]


def halved(x: Tensor) -> Tensor:
    """Sums of 2 x 2 pixels of ``x`` (C, height, width); an odd last row or column is left out."""
    height, width = x.shape[1] // 2 * 2, x.shape[2] // 2 * 2
    x = x[:, :height, :width]
    if x.dtype == torch.uint8 and width % 4 == 0 and x.is_contiguous():
        # Two sums for each word: slices of every other pixel are ten times as slow.
        words = x.view(torch.int32)
        pairs = torch.bitwise_and(words, _EVEN).add_(torch.bitwise_right_shift(words, 8).bitwise_and_(_EVEN)).view(torch.int16)
        return pairs[:, 0::2] + pairs[:, 1::2]
    x = x if x.is_floating_point() or (x.dtype in (torch.int16, torch.int32) and _small(x)) else x.float()
    rows = x[:, 0::2] + x[:, 1::2]
    return rows[..., 0::2] + rows[..., 1::2]


def _small(x: Tensor) -> bool:
    """Whether sums of four of ``x`` stay in its type."""
    return x.dtype == torch.int32 or bool(x.amax() < 1 << 13 and x.amin() >= 0)


class Turned:
    """Samples views one by one. ``levels`` (N,): the level of the pyramid that fits each."""

    def __init__(self, pixels: Pixels, frame: Frame, size: tuple[int, int], levels: NDArray[np.int64]) -> None:
        self.frame, self.size, self.level = frame, size, levels
        self.levels = Levels(pixels.data[:, 0])
        self.sides = pixels.data.shape[3:]
        self.scale, self.offset = pixels.scale[:, 0].tolist(), pixels.offset[:, 0].tolist()
        self.corners = np.array([[x, y, 1] for x in (0.5, size[1] - 0.5) for y in (0.5, size[0] - 0.5)]).T
        self.centres = [np.arange(side) + 0.5 for side in size]
        self.x, self.y, self.seen, self.also = (torch.empty(size) for _ in range(4))
        self.grid = torch.empty(size, dtype=torch.complex64)

    def sample(self, item: int, out: Tensor) -> None:
        """Fill ``out`` (C, *size) with one item, in physical values."""
        sample, level = item % len(self.scale), int(self.level[item])
        source = self.levels.of(sample, level)
        # Places in the units of grid_sample: -1 to 1 over this level's width and height.
        unit = 2 / (np.array(source.shape[:1:-1]) * 2.0**level)
        m = self.frame.matrix[item, :2] * unit[:, None]
        m[:, 2] -= 1
        for places, row in ((self.x, m[0]), (self.y, m[1])):
            across, down = row[0] * self.centres[1] + row[2], row[1] * self.centres[0]
            torch.add(_put(across), _put(down).unsqueeze(1), out=places)
        bounds = self.frame.bounds[item].reshape(2, 2)[:, ::-1] * unit - 1
        far = self._reach(item, unit)
        least, most = (m @ self.corners).min(1) - far, (m @ self.corners).max(1) + far
        veil = None
        if self.frame.bend is not None:
            veil = bend(self.frame.bend, self.x[None], self.y[None], np.array([item]), (unit[0], unit[1]))
        seen = None if self.frame.edge else self._seen(bounds, least, most, unit)
        first, last = _whole(bounds, unit, level)
        for axis, places in enumerate((self.x, self.y)):
            if least[axis] < first[axis] or most[axis] > last[axis]:
                places.clamp_(first[axis], last[axis])
        torch.complex(self.x, self.y, out=self.grid)
        grid = torch.view_as_real(self.grid).unsqueeze(0)
        values = F.grid_sample(source, grid, padding_mode="border", align_corners=False)[0]
        torch.mul(values, self.scale[sample] / 4.0**level, out=out)
        if self.offset[sample]:
            out.add_(self.offset[sample])
        for share in (seen, None if veil is None or self.frame.edge else veil[0]):
            if share is not None:
                out.mul_(share)

    def _reach(self, item: int, unit: NDArray[np.float64]) -> Any:
        """How far displacements move an item's places at most."""
        by = self.frame.bend
        if by is None or by.alpha[item] == 0:
            return 0.0
        return np.abs(by.linear[item]).sum(axis=1) * by.alpha[item] * bank.reach(by.sigma) * unit

    def _seen(
        self, bounds: NDArray[np.float64], least: NDArray[np.float64], most: NDArray[np.float64], unit: NDArray[np.float64]
    ) -> Tensor | None:
        """What share of each place lies inside the bounds; None where everything does."""
        found = None
        for axis, (places, out) in enumerate(((self.x, self.seen), (self.y, self.also))):
            low, high = bounds[:, axis]
            if least[axis] >= low and most[axis] <= high:
                continue
            torch.sub(places, (low + high) / 2, out=out).abs_()
            torch.add(torch.tensor((high - low) / 2 / unit[axis] + 1), out, alpha=-1 / unit[axis], out=out).clamp_(0, 1)
            found = out if found is None else found.mul_(out)
        return found


def _whole(bounds: NDArray[np.float64], unit: NDArray[np.float64], level: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres of the outermost pixels of a level that lie wholly in ``bounds`` (2, 2), in its units, x first."""
    step = unit * 2.0**level
    low = np.ceil((bounds[0] + 1) / step - 1e-6) * step + step / 2 - 1
    high = np.floor((bounds[1] + 1) / step + 1e-6) * step - step / 2 - 1
    middle = bounds.mean(axis=0)
    # Where not even one pixel fits, its middle is the best there is.
    return np.where(low > high, middle, low), np.where(low > high, middle, high)


def _put(line: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(line.astype(np.float32))
