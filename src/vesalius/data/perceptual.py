"""A perceptual hash: 512 bits that a radiograph keeps through JPEG, another size, 8 or 12 bits, and inversion.

The image becomes grey, 64 × 64 pixels (anti-aliased, whatever its aspect ratio), and is transformed by the discrete cosine
transform. A bit is the sign of one of the 512 coefficients of lowest frequency, in zigzag order, without the ten
lowest: those are what all chests have in common. Signs change neither with brightness nor with contrast, and all of
them with inversion, so the distance of two hashes is that of one to the other or to its inverse, whichever is less:
0 for the same image, near 240 of 512 for two others. After Zauner, "Implementation and Benchmarking of Perceptual
Image Hash Functions", 2010; docs/decisions/0015-matching.md says why these bits, and what was measured.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BITS = 512
DISTANCE = 64
"""Hashes that differ in at most so many bits are of one image. Copies were at most 31 apart, other radiographs at least 128."""

VERSION = 1
"""Raised whenever the same pixels would give another hash."""

_SIDE = 64
_LOWEST = 4  # horizontal and vertical frequency together
_LEAST_SIDE = 24  # px: smaller images do not have these frequencies
_LEAST_DEVIATION = 0.5  # stored units: what is flatter has no signs but those of rounding


def bits_of(thumbnails: NDArray[np.float32]) -> NDArray[np.uint8]:
    """``(n, 64)`` the hashes, packed, of ``(n, 64, 64)`` thumbnails."""
    rows, columns = _places()
    transform = _cosines()[: int(max(rows.max(), columns.max())) + 1]
    found = transform @ thumbnails.astype(np.float64) @ transform.T
    # What is zero but for rounding is zero: its sign would be another one on another machine.
    least = 1e-6 * np.abs(found).max((1, 2))
    return np.packbits(found[:, rows, columns] > least[:, None], axis=1)


def thumbnail(pixels: NDArray[Any]) -> NDArray[np.float32] | None:
    """``(64, 64)`` of an image ``(C, H, W)``; None where it is too small or too flat to be told from others."""
    if min(pixels.shape[1:]) < _LEAST_SIDE:
        return None
    plane = pixels[0] if len(pixels) == 1 else pixels.mean(0)
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32 if plane.dtype != np.uint8 else np.uint8))
    image = image if image.mode == "F" else image.convert("F")
    small = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0), np.float32)
    return small if small.std() >= _LEAST_DEVIATION else None


@lru_cache(maxsize=1)
def _places() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of each bit's coefficient, lowest frequency first."""
    zigzag = sorted((row + column, row, column) for row in range(_SIDE) for column in range(_SIDE))
    chosen = np.array([place for place in zigzag if place[0] >= _LOWEST][:BITS])
    return chosen[:, 1], chosen[:, 2]


@lru_cache(maxsize=1)
def _cosines() -> NDArray[np.float64]:
    """``(64, 64)`` the orthonormal transform of type II."""
    frequency, place = np.arange(_SIDE)[:, None], np.arange(_SIDE) + 0.5
    matrix: NDArray[np.float64] = np.cos(np.pi / _SIDE * frequency * place) * np.sqrt(2 / _SIDE)
    matrix[0] /= np.sqrt(2)
    return matrix
