"""Names beside the points of a chart, placed so that they do not lie on each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

_WIDTH, _HEIGHT = 1.75, 5.2
"""Of a letter and of a line of small text, in per cent of a chart as narrow as a telephone's and 17 rem high."""
_AWAY = (2.0, 4.0)
_ROUNDS = 6
_LITTLE = 1.0
"""What labels may lie on each other by, in squares of a per cent."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Label:
    """``text`` at ``left`` and ``top`` per cent of the plot, which is its own left edge or, with ``side`` ``left``, its right edge."""

    left: float
    top: float
    text: str
    side: str


def placed(points: Sequence[tuple[float, float, str]]) -> list[Label]:
    """Labels for points (per cent from the left, from the top, name): right of it, left of it, above or below, or a little farther.

    Each is placed where it lies on least, then all once more among the others, as long as one moves; from the top, and where labels still lie
    on each other from the other sides too, of which the best is taken.
    """
    dots = [(x - 1, y - 2, x + 1, y + 2) for x, y, _ in points]
    places = [[(box, cost + sum(_shared(box, dot) for dot in dots)) for box, cost in _places(*point)] for point in points]
    downwards = sorted(range(len(points)), key=lambda i: points[i][1])
    across = sorted(range(len(points)), key=lambda i: points[i][0])
    best: tuple[float, list[Box]] | None = None
    for order in (downwards, downwards[::-1], across, across[::-1]):
        found = _settled(order, places)
        on_each_other = sum(_shared(one, other) for one, other in combinations(found, 2))
        if best is None or on_each_other < best[0]:
            best = on_each_other, found
        if on_each_other < _LITTLE:
            break
    assert best is not None
    return [_label(points[i], best[1][i]) for i in downwards]


def _settled(order: Sequence[int], places: Sequence[Sequence[tuple[Box, float]]]) -> list[Box]:
    """The place of each label after a few rounds in this order."""
    boxes: dict[int, Box] = {}
    for _ in range(_ROUNDS):
        before = dict(boxes)
        for i in order:
            others = [box for other, box in boxes.items() if other != i]
            boxes[i] = min(places[i], key=lambda place: place[1] + sum(_shared(place[0], one) for one in others))[0]
        if boxes == before:
            break
    return [boxes[i] for i in range(len(places))]


def _places(x: float, y: float, name: str) -> list[tuple[Box, float]]:
    """Where the label of a point may be, and what each place costs: being far, or outside."""
    wide = min(60.0, _WIDTH * len(name))
    starts = (x + _AWAY[0], x - _AWAY[0] - wide)
    at = [(start, down * _AWAY[1], abs(down) * _AWAY[1]) for start in starts for down in (0, 1, -1, 2, -2)]
    at += [(x - share * wide, down, abs(down) + 1) for share in (0.5, 0.2, 0.8, 0.35, 0.65) for down in (-5.0, 5.0)]
    at += [(start, down * _AWAY[1], 2 * abs(down) * _AWAY[1]) for start in starts for down in (3, -3)]
    at += [(x - share * wide, down, 2 * abs(down)) for share in (0.5, 0.2, 0.8) for down in (-10.0, 10.0)]
    made = []
    for start, down, cost in at:
        box = (start, y + down - _HEIGHT / 2, start + wide, y + down + _HEIGHT / 2)
        out = max(0.0, -box[0]) + max(0.0, box[2] - 100) + max(0.0, -box[1]) + max(0.0, box[3] - 100)
        made.append((box, cost + 40 * out))
    return made


def _label(point: tuple[float, float, str], box: Box) -> Label:
    """Anchored on the side of its point, where letters of another width than was reckoned with move it least."""
    x, _, name = point
    side = "left" if box[2] < x else "right"
    return Label(box[2] if side == "left" else box[0], (box[1] + box[3]) / 2, name, side)


def _shared(one: Box, other: Box) -> float:
    """The area in which two boxes lie on each other."""
    if one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]:
        return 0.0
    return (min(one[2], other[2]) - max(one[0], other[0])) * (min(one[3], other[3]) - max(one[1], other[1]))
