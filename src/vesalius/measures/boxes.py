"""Rectangles in images: widened, cut to the image, and grids of tiles. A box is x, y, width, height in px from the top left."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_TOLERANCE = 0.05
"""Pixels that a corner may be off because a box was written with six digits; it takes no further row of pixels."""


def padded(boxes: NDArray[Any], sizes: NDArray[Any], padding: float = 0.0) -> NDArray[np.int64]:
    """``boxes`` (M, 4) with ``padding`` times their width and height added to these, half on either side, cut to images of ``sizes``
    (M, 2), width and height, and widened to whole pixels.

    What lies wholly outside its image comes back with a width or a height of 0.
    """
    left, top, width, height = np.asarray(boxes, np.float64).reshape(-1, 4).T
    wide, high = np.asarray(sizes, np.int64).reshape(-1, 2).T
    x0, x1 = _span(left, width, padding, wide)
    y0, y1 = _span(top, height, padding, high)
    return np.stack([x0, y0, np.maximum(x1 - x0, 0), np.maximum(y1 - y0, 0)], axis=1)


def _span(start: NDArray[np.float64], length: NDArray[np.float64], padding: float, end: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first, last = start - padding * length / 2, start + length + padding * length / 2
    low, high = np.floor(first + _TOLERANCE), np.ceil(last - _TOLERANCE)
    high = np.maximum(high, low + 1)  # thinner than the tolerance is a pixel
    return np.clip(low, 0, end).astype(np.int64), np.clip(high, 0, end).astype(np.int64)


def inside(boxes: NDArray[Any], sizes: NDArray[Any]) -> NDArray[np.bool_]:
    """``(M,)``: which boxes lie in their image of ``sizes`` (M, 2) from corner to corner."""
    left, top, width, height = np.asarray(boxes, np.float64).reshape(-1, 4).T
    wide, high = np.asarray(sizes, np.float64).reshape(-1, 2).T
    at_least, at_most = -_TOLERANCE, _TOLERANCE
    found: NDArray[np.bool_] = (left >= at_least) & (top >= at_least) & (left + width <= wide + at_most) & (top + height <= high + at_most)
    return found


def tiles(width: int, height: int, rows: int, columns: int, overlap: float = 0.0) -> NDArray[np.int64]:
    """``(rows * columns, 4)`` the tiles of a grid over an image of ``width`` x ``height`` px, row by row.

    All are of one size, to a pixel of rounding, and cover the image; neighbours share ``overlap`` of a tile's side, in [0, 1). Fewer
    where the image has not so many pixels a side.
    """
    across, down = _cuts(width, columns, overlap), _cuts(height, rows, overlap)
    return np.array([(x0, y0, x1 - x0, y1 - y0) for y0, y1 in down for x0, x1 in across], np.int64).reshape(-1, 4)


def _cuts(length: int, parts: int, overlap: float) -> list[tuple[int, int]]:
    side = length / (parts - (parts - 1) * overlap)
    step = side * (1 - overlap)
    cuts = [(round(part * step), min(length, round(part * step + side))) for part in range(parts)]
    return list(dict.fromkeys((first, last) for first, last in cuts if last > first))
