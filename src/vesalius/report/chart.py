"""Line charts as SVG that keep their line width and text size at any width of the page.

The SVG holds lines only and is stretched to its box (``vector-effect`` keeps strokes crisp); ticks, dots' labels and
the readout are HTML placed by per cent. So one chart is right at 390 and at 1280 pixels, on paper and without script.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from vesalius.report.labels import Label
from vesalius.report.ticks import Axis

_POINTS = 160  # more than the pixels of a chart add nothing
Point = tuple[float, float]
Span = tuple[float, float, float]


@dataclass(frozen=True)
class Line:
    """One line: ``points`` (x, y); ``spans`` (x, low, high) drawn as whiskers, or as a band when ``band``."""

    name: str
    points: Sequence[Point]
    colour: str = "c0"
    """``c0`` (the accent) to ``c7``, or ``grey``."""
    dash: int = 0
    """0 solid, 1 dashed, 2 dotted, so that lines are told apart without colour."""
    spans: Sequence[Span] = ()
    band: bool = False
    dots: bool = False
    joined: bool = True
    """False draws the points alone."""


@dataclass(frozen=True)
class Mark:
    """A vertical line at ``x`` that says something happened there."""

    x: float
    text: str
    kind: str = "note"


@dataclass(frozen=True)
class Chart:
    """What the template draws. ``summary`` is what a screen reader says; ``data`` feeds the readout."""

    title: str
    x: Axis
    y: Axis
    lines: Sequence[Line]
    summary: str
    x_title: str = "step"
    marks: Sequence[Mark] = ()
    digits: str = ""
    """How the readout writes y: ``percent``, ``score`` or empty for significant digits."""
    group: str = ""
    """Charts of one group move their readouts together."""
    note: str = ""
    x_texts: Sequence[str] = field(default_factory=tuple)
    """What the readout says of x instead of the number, one for each tick."""
    labels: Sequence[Label] = ()
    """Names beside points; the legend is left out then."""

    @property
    def legend(self) -> list[Line]:
        """A line for each name: those that share one are told of once."""
        return list({line.name: line for line in reversed(self.lines)}.values())[::-1]

    def path(self, line: Line) -> str:
        """The SVG path of ``line`` in a box of 1000 by 1000."""
        return "M" + "L".join(self._place(x, y) for x, y in line.points) if line.joined and len(line.points) > 1 else ""

    def area(self, line: Line) -> str:
        """The SVG path of the band of ``line``."""
        if not line.band or len(line.spans) < 2:
            return ""
        upper = [self._place(x, high) for x, _, high in line.spans]
        lower = [self._place(x, low) for x, low, _ in reversed(line.spans)]
        return "M" + "L".join(upper + lower) + "Z"

    def whiskers(self, line: Line) -> str:
        """The SVG path of the intervals of ``line``."""
        if line.band:
            return ""
        return "".join(f"M{self._place(x, low)}L{self._place(x, high)}" for x, low, high in line.spans)

    def dots(self, line: Line) -> str:
        """Zero-length strokes, which round caps turn into dots that stay round when the SVG is stretched."""
        return (
            "".join(f"M{self._place(x, y)}h0.01" for x, y in line.points) if line.dots or len(line.points) == 1 else ""
        )

    def data(self) -> str:
        """The readout's numbers as JSON: per line a name, a colour, and x, y with their place in per cent."""
        lines = [
            {
                "name": line.name,
                "colour": line.colour,
                "x": [_short(x) for x, _ in line.points],
                "y": [_short(y) for _, y in line.points],
                "px": [round(self.x.at(x), 2) for x, _ in line.points],
                "py": [round(100 - self.y.at(y), 2) for _, y in line.points],
                "spans": [] if line.band else [[_short(low), _short(high)] for _, low, high in line.spans],
            }
            for line in self.lines
            if line.points
        ]
        return json.dumps({"x": self.x_title, "digits": self.digits, "texts": list(self.x_texts), "lines": lines})

    def _place(self, x: float, y: float) -> str:
        return f"{10 * self.x.at(x):.1f} {1000 - 10 * self.y.at(y):.1f}"


def thin(points: Sequence[Point], limit: int = _POINTS) -> tuple[list[Point], list[Span]]:
    """At most ``limit`` points: means of neighbours, with their least and greatest; no spans when none were joined."""
    if len(points) <= limit:
        return list(points), []
    edges = [round(i * len(points) / limit) for i in range(limit + 1)]
    means: list[Point] = []
    spans: list[Span] = []
    for start, stop in pairwise(edges):
        part = points[start:stop]
        x = part[-1][0] if stop == len(points) else part[len(part) // 2][0]
        ys = [y for _, y in part]
        means.append((x, sum(ys) / len(ys)))
        spans.append((x, min(ys), max(ys)))
    return means, spans


def _short(value: float) -> float:
    return float(f"{value:.6g}")
