"""A white sheet on which pictures and lines of words are laid before it is known how large it is, and its PNG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vesalius.figures import words
from vesalius.figures.heat import coloured, in_colour

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Box = tuple[int, int, int, int]
"""Left, top, right, bottom; the last two are outside."""
_INK, _WHITE = (25, 25, 25), (255, 255, 255)
_BAR, _TICK, _TICKS = 12, 4, 4


@dataclass
class Canvas:
    """What is laid where; ``width`` and ``height`` hold all of it, with ``margin`` around."""

    size: int
    """Pixels of the words."""
    pictures: list[tuple[Box, NDArray[np.uint8]]] = field(default_factory=list)
    lines: list[tuple[Box, str, bool, tuple[int, int, int]]] = field(default_factory=list)
    upright: list[tuple[Box, str]] = field(default_factory=list)

    @property
    def margin(self) -> int:
        """White on all sides."""
        return self.size

    @property
    def width(self) -> int:
        """Pixels from side to side."""
        return max((box[2] for box in self._boxes()), default=0) + self.margin

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return max((box[3] for box in self._boxes()), default=0) + self.margin

    def _boxes(self) -> list[Box]:
        return [one[0] for one in self.pictures] + [one[0] for one in self.lines] + [one[0] for one in self.upright]

    def lay(self, picture: NDArray[np.uint8], left: int, top: int) -> None:
        """A picture (H, W, 3) as it is."""
        height, width = picture.shape[:2]
        self.pictures.append(((left, top, left + width, top + height), picture))

    def write(
        self,
        lines: Sequence[str],
        left: int,
        top: int,
        width: int,
        *,
        middle: bool = True,
        bold: bool = False,
        ink: tuple[int, int, int] = _INK,
    ) -> int:
        """``lines`` below each other from ``top``, in the middle of ``width`` or from its left; where the next line would begin."""
        step = words.line_height(self.size)
        for number, line in enumerate(lines):
            taken = words.width_of(line, self.size, bold)
            at = max(self.margin, left + (width - taken) // 2) if middle else left
            self.lines.append(((at, top + number * step, at + taken, top + (number + 1) * step), line, bold, ink))
        return top + len(lines) * step

    def write_upwards(self, lines: Sequence[str], left: int, bottom: int, width: int) -> None:
        """``lines`` beside each other in the middle of ``width``, each read upwards from ``bottom``."""
        step = words.line_height(self.size)
        first = left + (width - len(lines) * step) // 2
        for number, line in enumerate(lines):
            at = first + number * step
            self.upright.append(((at, bottom - words.width_of(line, self.size), at + step, bottom), line))

    def bar(self, low: float, high: float, name: str, title: str, left: int, top: int, width: int) -> int:
        """A colour bar of ``width`` from ``low`` to ``high``, its title above and round numbers below; where it ends."""
        top = self.write(words.wrapped(title, self.size, width), left, top, width, middle=False)
        ramp = coloured(np.linspace(low, high, width)[None], low, high, name) if high > low else coloured(np.zeros((1, width)), 0, 0, name)
        self.lay(np.repeat(ramp, _BAR, axis=0), left, top + 2)
        below = top + 2 + _BAR
        for at, start, label in self._ticks(low, high, width):
            self.lay(np.full((_TICK, 1, 3), _INK, dtype=np.uint8), left + at, below)
            self.write([label], left + start, below + _TICK, width, middle=False)
        return below + _TICK + words.line_height(self.size)

    def _ticks(self, low: float, high: float, width: int) -> list[tuple[int, int, str]]:
        """As many round numbers as stand beside each other: where the tick is, where its number begins, the number."""
        found: list[tuple[int, int, str]] = []
        for most in range(_TICKS, 0, -1):
            found = []
            for value, label in _round_numbers(low, high, most):
                at = round((value - low) / (high - low) * (width - 1)) if high > low else 0
                taken = words.width_of(label, self.size)
                found.append((at, min(max(0, at - taken // 2), max(0, width - taken)), label))
            ends = [start + words.width_of(label, self.size) + self.size // 2 for _, start, label in found]
            if all(end <= start for end, (_, start, _) in zip(ends, found[1:])):
                return found
        return found[:1]

    def drawn(self) -> Picture:
        """All of it."""
        from PIL import Image, ImageDraw

        sheet = Image.new("RGB", (self.width, self.height), _WHITE)
        for box, picture in self.pictures:
            sheet.paste(Image.fromarray(picture), box[:2])
        pen = ImageDraw.Draw(sheet)
        for box, line, bold, ink in self.lines:
            pen.text((box[0], (box[1] + box[3]) / 2), line, fill=ink, font=words.font(self.size, bold), anchor="lm")
        for box, line in self.upright:
            shape = Image.new("L", (box[3] - box[1], box[2] - box[0]))
            ImageDraw.Draw(shape).text((0, shape.height / 2), line, fill=255, font=words.font(self.size), anchor="lm")
            sheet.paste(_INK, box[:2], shape.transpose(Image.Transpose.ROTATE_90))
        return sheet

    def png(self) -> bytes:
        """All of it as a file."""
        return _file(self.drawn())


def png(picture: NDArray[Any]) -> bytes:
    """The PNG file of a picture of uint8 (H, W), (H, W, 1) or (H, W, 3), without anything beside its pixels."""
    from PIL import Image

    grey = picture.ndim == 2 or picture.shape[-1] == 1
    return _file(Image.fromarray(np.ascontiguousarray(picture.reshape(picture.shape[:2])) if grey else in_colour(picture)))


def fitted(picture: NDArray[Any], side: int) -> NDArray[np.uint8]:
    """``picture`` (height, width[, 3]) in colour (height, width, 3), its longer side of ``side`` pixels.

    Whole pixels enlarged where it is small, Lanczos where it is large.
    """
    from PIL import Image

    colour = in_colour(picture)
    scale = side / max(colour.shape[:2])
    size = (max(1, round(colour.shape[1] * scale)), max(1, round(colour.shape[0] * scale)))
    kind = Image.Resampling.NEAREST if scale > 2 else Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(colour).resize(size, kind))


def _file(picture: Picture) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _round_numbers(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Round numbers from ``low`` to ``high``, about ``most``, and how they are written, all with as many digits."""
    if not high > low:
        return [(low, f"{low:.3g}")]
    from matplotlib.ticker import MaxNLocator

    values = [float(v) for v in MaxNLocator(most).tick_values(low, high) if low <= v <= high]
    if len(values) < 2:
        values = [low, high]
    step = values[1] - values[0]
    if not 1e-4 <= step < 1e5:
        return [(v, f"{v:.3g}") for v in values]
    digits = next(n for n in range(8) if n == 7 or all(abs(v - round(v, n)) < step / 100 for v in values))
    return [(v, f"{v:.{digits}f}") for v in values]
