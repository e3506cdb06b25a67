"""By how much images are transformed: ours, relative to the image and without what changes nothing; the original's, as it coded them.

A parameter is a number, or several: (x, y) of a shift or shear, (top, left, height, width) of a box, (amplitude, smoothness, number
of the field) of a deformation. Lengths are shares of the image's side. A third number of the original's shifts and a second of its
zooms is the shear of one degree that it added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np

Parameter = float | tuple[float, ...]
"""One setting of a transform."""
OFF, ON = 0.0, 1.0
"""The two settings of a transform that has no amount."""

_RESIZED, _CROPPED = 256, 224
"""Pixels per side that the original resized to and cropped to; its lengths were in pixels of the first."""
_SHEAR = 1.0


def thinned(grid: Sequence[Parameter], count: int) -> tuple[Parameter, ...]:
    """``count`` of ``grid``, evenly spread over it; all of it where it has no more."""
    if count >= len(grid):
        return tuple(grid)
    return tuple(grid[i] for i in np.rint(np.linspace(0, len(grid) - 1, count)).astype(int)) if count > 1 else (grid[len(grid) // 2],)


def plane(values: Sequence[float]) -> tuple[Parameter, ...]:
    """Every pair of ``values`` but (0, 0)."""
    return tuple((x, y) for y, x in product(values, repeat=2) if (x, y) != (0.0, 0.0))


def powers(low: float, high: float, step: float) -> tuple[Parameter, ...]:
    """2 to the power of ``low`` to ``high`` in steps, but for 1."""
    return tuple(2.0**e for e in np.arange(low, high + step / 2, step).tolist() if e)


def boxes(sides: Sequence[float]) -> tuple[Parameter, ...]:
    """Square boxes of each side, in the four corners and the middle."""
    return tuple((top * (1 - side), left * (1 - side), side, side) for side in sides for top, left in ((0, 0), (0, 1), (0.5, 0.5), (1, 0), (1, 1)))


def bends(amplitudes: Sequence[float], smoothness: float, fields: int) -> tuple[Parameter, ...]:
    """Every amplitude with each of ``fields`` displacement fields."""
    return tuple((amplitude, smoothness, float(field)) for amplitude in amplitudes for field in range(fields))


def line(low: float, high: float, count: int) -> tuple[Parameter, ...]:
    """``count`` numbers from ``low`` to ``high``, both of them among them."""
    return tuple(np.linspace(low, high, count).tolist())


def up_to(low: float, high: float, count: int) -> tuple[float, ...]:
    """``count`` numbers from ``low``, as many again as would end before ``high``: what the original wrote as ``linspace(low, high, k + 1)[:k]``."""
    return tuple(np.linspace(low, high, count + 1)[:count].tolist())


def original_shifts(count: int) -> tuple[Parameter, ...]:
    """A square grid of up to half of what the crop left over, 1/16 of the side, with its shear. ``count`` is taken down to a square."""
    most = (1 - _CROPPED / _RESIZED) / 2
    return tuple((x, y, _SHEAR) for x, y in product(up_to(-most, most, math.isqrt(count)), repeat=2))


def original_zooms(count: int) -> tuple[Parameter, ...]:
    """From a quarter to twice, with its shear."""
    return tuple((zoom, _SHEAR) for zoom in np.linspace(0.25, 2, count).tolist())


def original_shears(count: int) -> tuple[Parameter, ...]:
    """A square grid of degrees; ``count`` is taken down to a square."""
    return tuple(product(up_to(-160, 160, math.isqrt(count)), repeat=2))


def original_boxes(count: int) -> tuple[Parameter, ...]:
    """Boxes towards the top left corner; ``count`` is taken down to a fourth power."""
    n = math.isqrt(math.isqrt(count))
    places, sides = np.linspace(0, 0.25, n).tolist(), np.linspace(0.75, 0.25, n).tolist()
    return tuple(product(places, places, sides, sides))


def original_bends(count: int) -> tuple[Parameter, ...]:
    """A displacement field each, of uniform noise in [-1, 1] pixels smoothed by a bell of 10 to 50 pixels: a hundredth of a pixel is left."""
    sigmas = np.linspace(10, 50, 8).astype(int).tolist()
    chosen = [sigmas[i % len(sigmas)] for i in range(count)]
    noise = 1 / math.sqrt(3)
    return tuple((noise / (2 * math.sqrt(math.pi) * sigma) / _RESIZED, sigma / _RESIZED, float(i)) for i, sigma in enumerate(chosen))


def original_blurs(count: int) -> tuple[Parameter, ...]:
    """Bells of up to 20 of 224 pixels in a kernel of 23, said as shares: the second number is the kernel's half side."""
    return tuple((sigma / _CROPPED, (_CROPPED // 20) / _CROPPED) for sigma in np.linspace(1e-5, 20, count).tolist())


def original_bits(count: int) -> tuple[Parameter, ...]:
    """From one to seven, in that order."""
    return tuple(float(bits) for bits in range(1, min(count, 7) + 1))
