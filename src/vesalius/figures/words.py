"""Words in pictures: matplotlib's own font, broken into lines that fit."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_LEADING = 1.25
_LEAST, _MOST, _PER_WIDTH = 13, 26, 75


def size_for(width: int) -> int:
    """Pixels of the words of a sheet that is ``width`` wide: still read where a page shrinks it to 900."""
    return min(_MOST, max(_LEAST, round(width / _PER_WIDTH)))


@cache
def font(size: int, bold: bool = False) -> FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib, so that words look alike on every machine."""
    from pathlib import Path

    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    place = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(str(place), size, layout_engine=ImageFont.Layout.BASIC)


def line_height(size: int) -> int:
    """From one line to the next."""
    return round(size * _LEADING)


def width_of(line: str, size: int, bold: bool = False) -> int:
    """Pixels that ``line`` takes, the last stroke included."""
    return -int(-font(size, bold).getlength(line) // 1)


def wrapped(text: str, size: int, width: int, bold: bool = False) -> list[str]:
    """``text`` in lines of at most ``width`` pixels: broken at spaces, else behind ``- _ / . , : @ =`` but within a number, else where it must be."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in _pieces(paragraph, size, width, bold):
            if line.strip() and width_of((line + piece).rstrip(), size, bold) > width:
                lines.append(line.rstrip())
                line = ""
            line += piece if line else piece.lstrip()
        lines.append(line.rstrip())
    return lines if any(lines) else []


def widest_piece(text: str, size: int, bold: bool = False) -> int:
    """The least width at which ``text`` need not be broken inside a word."""
    return max((width_of(piece.rstrip(), size, bold) for piece in _broken(text)), default=0)


def _broken(text: str) -> list[str]:
    """``text`` in pieces that may stand in lines of their own; a number is not broken."""
    return [piece for piece in re.split(r"(?<=[\s_/:@=])(?=\S)|(?<=[\-.,])(?=[^\s\d])", text) if piece]


def _pieces(text: str, size: int, width: int, bold: bool) -> list[str]:
    found: list[str] = []
    for piece in _broken(text):
        while width_of(piece.rstrip(), size, bold) > width and len(piece.rstrip()) > 1:
            fits = next((n for n in range(len(piece) - 1, 1, -1) if width_of(piece[:n], size, bold) <= width), 1)
            found.append(piece[:fits])
            piece = piece[fits:]
        found.append(piece)
    return found
