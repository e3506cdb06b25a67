"""Pictures in rows and columns with words around them, in one PNG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vesalius.figures import words
from vesalius.figures.canvas import Canvas, fitted

_GAP = 4
_BAR, _BAR_WITHOUT_TITLES = 360, 120


def grid(
    pictures: Sequence[Sequence[NDArray[np.uint8] | None]],
    row_titles: Sequence[str] = (),
    column_titles: Sequence[str] = (),
    *,
    captions: Sequence[Sequence[str]] = (),
    bar: tuple[float, float, str, str] | None = None,
    tile: int = 160,
) -> bytes:
    """The PNG of rows of ``pictures``, each (H, W), (H, W, 1) or (H, W, 3) of uint8 and fitted into a square of ``tile`` pixels.

    None leaves a place empty; rows may differ in length. ``captions`` stand below the pictures, in the same rows and columns.
    ``bar``: (low, high, colour map, title) of the colour bar below. Titles and captions are broken into lines, never cut.
    """
    return laid(pictures, row_titles, column_titles, captions=captions, bar=bar, tile=tile).png()


def laid(
    pictures: Sequence[Sequence[NDArray[np.uint8] | None]],
    row_titles: Sequence[str],
    column_titles: Sequence[str],
    *,
    captions: Sequence[Sequence[str]],
    bar: tuple[float, float, str, str] | None,
    tile: int,
) -> Canvas:
    """Where everything of ``grid`` stands."""
    columns = max((len(row) for row in pictures), default=0)
    canvas = Canvas(min(words.size_for(columns * (tile + _GAP)), max(9, tile // 7)))
    size = canvas.size
    room = max((words.width_of(title, size) for title in row_titles), default=0)
    room = min(room, max(tile, *(words.widest_piece(title, size) for title in row_titles))) if row_titles else 0
    start = canvas.margin + (room + size // 2 if room else 0)
    lefts = [start + number * (tile + _GAP) for number in range(columns)]

    top = canvas.margin
    headed = [words.wrapped(title, size, tile) for title in column_titles]
    deepest = max((len(lines) for lines in headed), default=0) * words.line_height(size)
    for lines, left in zip(headed, lefts):
        canvas.write(lines, left, top + deepest - len(lines) * words.line_height(size), tile)
    top += deepest + (_GAP if headed else 0)

    for number, row in enumerate(pictures):
        tiles = [None if one is None else fitted(one, tile) for one in row]
        tall = max((one.shape[0] for one in tiles if one is not None), default=tile)
        for one, left in zip(tiles, lefts):
            if one is not None:
                canvas.lay(one, left + (tile - one.shape[1]) // 2, top + (tall - one.shape[0]) // 2)
        title = words.wrapped(row_titles[number], size, room) if number < len(row_titles) else []
        beside = canvas.write(title, canvas.margin, top + max(0, (tall - len(title) * words.line_height(size)) // 2), room, middle=False)
        below = [words.wrapped(text, size, tile) for text in captions[number]] if number < len(captions) else []
        ends = [canvas.write(lines, left, top + tall + 2, tile) for lines, left in zip(below, lefts) if lines]
        top = max(top + tall, beside, *ends, 0) + (size // 2 if ends else _GAP)

    if bar is not None:
        low, high, name, title_of_bar = bar
        whole = columns * (tile + _GAP) - _GAP
        canvas.bar(low, high, name, title_of_bar, start, top + size // 2, max(_BAR_WITHOUT_TITLES, min(_BAR, whole)))
    return canvas
