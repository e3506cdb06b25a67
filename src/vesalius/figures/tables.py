"""Numbers in a table whose cells are coloured by them, in one PNG."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vesalius.figures import words
from vesalius.figures.canvas import Canvas
from vesalius.figures.heat import coloured

_GAP, _LEAST, _MOST, _ROOM = 2, 56, 112, 260
_BAR = 300
_WIDE, _TALL = 1000, 200
"""Cells that take more than the first together have titles that are read upwards, of at most the second."""


def heat_table(
    values: ArrayLike,
    row_titles: Sequence[str],
    column_titles: Sequence[str],
    title: str = "",
    low: float = 0.0,
    high: float = 1.0,
    name: str = "viridis",
    digits: int = 2,
) -> bytes:
    """The PNG of ``values`` (rows, columns) as numbers in coloured cells with a colour bar below; what is not a number is hatched."""
    return laid(np.asarray(values, dtype=np.float64), row_titles, column_titles, title, low, high, name, digits).png()


def laid(
    values: NDArray[np.float64],
    row_titles: Sequence[str],
    column_titles: Sequence[str],
    title: str,
    low: float,
    high: float,
    name: str,
    digits: int,
) -> Canvas:
    """Where everything of ``heat_table`` stands, whose ``values`` are (rows, columns)."""
    rows, columns = values.shape
    shown = [["" if math.isnan(v) else f"{v:.{digits}f}" for v in row] for row in values]
    canvas = Canvas(words.size_for(0))
    size, step = canvas.size, words.line_height(canvas.size)
    numbers = max((words.width_of(text, size) for row in shown for text in row), default=0) + size
    pieces = max((words.widest_piece(text, size) for text in column_titles), default=0) + 2
    wide, tall = max(_LEAST, numbers, min(_MOST, pieces)), 2 * step
    upwards = columns * (wide + _GAP) > _WIDE
    headed = [words.wrapped(text, size, _TALL if upwards else wide - 2) for text in column_titles]
    if upwards:
        wide = max(numbers, *(len(lines) * step for lines in headed))
    room = min(_ROOM, max((words.width_of(text, size) for text in row_titles), default=0))
    start = canvas.margin + room + size // 2
    whole = columns * (wide + _GAP) - _GAP

    top = canvas.write(words.wrapped(title, size, start + whole - canvas.margin, bold=True), canvas.margin, canvas.margin, whole, middle=False, bold=True)
    top += size // 2 if title else 0
    deepest = max((words.width_of(line, size) if upwards else len(lines) * step for lines in headed for line in lines), default=0)
    for number, lines in enumerate(headed):
        left = start + number * (wide + _GAP)
        if upwards:
            canvas.write_upwards(lines, left, top + deepest, wide)
        else:
            canvas.write(lines, left, top + deepest - len(lines) * step, wide)
    top += deepest + 2 * _GAP

    for row in range(rows):
        lines = words.wrapped(row_titles[row], size, room)
        deep = max(tall, len(lines) * step)
        canvas.write(lines, canvas.margin, top + (deep - len(lines) * step) // 2, room, middle=False)
        for column in range(columns):
            left = start + column * (wide + _GAP)
            colour = coloured(values[row, column].reshape(1, 1), low, high, name)[0, 0]
            known = not math.isnan(values[row, column])
            canvas.lay(np.full((deep, wide, 3), colour, dtype=np.uint8) if known else _hatched(deep, wide), left, top)
            canvas.write([shown[row][column]] if known else [], left, top + (deep - step) // 2, wide, ink=_ink_on(colour))
        top += deep + _GAP

    canvas.bar(low, high, name, "", start, top + size // 2, max(_LEAST, min(_BAR, whole)))
    return canvas


def _ink_on(colour: NDArray[np.uint8]) -> tuple[int, int, int]:
    """Black or white, whichever has the larger contrast to ``colour`` by the relative luminance of WCAG 2."""
    share = colour / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return (0, 0, 0) if float(linear @ np.array([0.2126, 0.7152, 0.0722])) > 0.179 else (255, 255, 255)


def _hatched(height: int, width: int) -> NDArray[np.uint8]:
    """Grey lines from lower left to upper right on white."""
    down, across = np.indices((height, width))
    return np.repeat(np.where((down + across) % 8 < 2, 170, 255)[..., None], 3, axis=-1).astype(np.uint8)
