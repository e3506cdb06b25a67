"""Names beside the points of a chart, placed so that they do not lie on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT = 1.65, 5.2
"""Of a letter and of a line of small text, in per cent of a chart 27 by 17 rem."""
_AWAY = (2.0, 4.0)


@dataclass(frozen=True)
class Label:
    """``text`` at ``left`` and ``top`` per cent of the plot, which is its own left edge or, with ``side`` ``left``, its right edge."""

    left: float
    top: float
    text: str
    side: str


def placed(points: Sequence[tuple[float, float, str]]) -> list[Label]:
    """Labels for points (per cent from the left, from the top, name): right of it, left of it, or a little higher or lower."""
    taken = [(x - 1, y - 2, x + 1, y + 2) for x, y, _ in points]
    made = []
    for x, y, name in sorted(points, key=lambda point: point[1]):
        wide = min(60.0, _WIDTH * len(name))
        best = None
        for down in (0.0, _AWAY[1], -_AWAY[1], 2 * _AWAY[1], -2 * _AWAY[1]):
            for side, start in (("right", x + _AWAY[0]), ("left", x - _AWAY[0] - wide)):
                box = (start, y + down - _HEIGHT / 2, start + wide, y + down + _HEIGHT / 2)
                out = max(0.0, -box[0]) + max(0.0, box[2] - 100) + max(0.0, -box[1]) + max(0.0, box[3] - 100)
                cost = sum(_shared(box, other) for other in taken) + 40 * out + abs(down)
                if best is None or cost < best[0]:
                    best = (cost, box, side, down)
        assert best is not None
        _, box, side, down = best
        taken.append(box)
        made.append(Label(box[0] if side == "right" else box[2], y + down, name, side))
    return made


def _shared(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """The area in which two boxes lie on each other."""
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)
