"""Curves of an evaluation: each encoder against the share of the labels, the shots, or whatever a protocol goes along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.chart import Chart, Line
from vesalius.report.evaluated import order
from vesalius.report.grid import Found, grid, part, protocols
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import Axis, Tick, linear, logarithmic
from vesalius.report.values import mapping, number, records, text
from vesalius.report.wording import figure, interval, is_percent, is_score, score, share, short_score, title

_APART = 0.008
"""Of the axis: whiskers of several encoders at one place stand beside each other."""
_WITH_WHISKERS = 6
_COLOURED = 6
"""Encoders with a line of their own colour, the best first; further ones are thin lines of one name."""
_OTHERS = "other encoders"
_ELSEWHERE = ("reconstruction",)
_MOST = 12
"""Charts shown at once; further ones are folded."""


def present(run: RunRecord) -> bool:
    """Whether a protocol of ``run`` has curves."""
    return any(_rows(run, name) for name in protocols(run.results))


def section(runs: Sequence[RunRecord]) -> Section:
    """A chart for each protocol, data set and measure that has a curve."""
    return by_run("gradual", "Curves", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    made = [chart for name in protocols(run.results) for chart in _charts(run, name)]
    if not made:
        return Block(run, reason=run.reason("gradual", "No protocol of the evaluation has a curve."))
    return Block(run, parts={"charts": made[:_MOST], "more": made[_MOST:]})


def _rows(run: RunRecord, name: str) -> list[Found]:
    """The points of a protocol; those along a transform's parameters or a fit's iterations have a section of their own."""
    if name in _ELSEWHERE:
        return []
    rows = records(part(run.results, name).get("curves"))
    return [row for row in rows if number(row.get("value")) is not None and number(row.get("x")) is not None and not text(row.get("transform"))]


def _charts(run: RunRecord, name: str) -> list[Mapping[str, Any]]:
    found = part(run.results, name)
    rows = _rows(run, name)
    table = grid(run.results, name)
    named = order(table)
    named += [one for one in dict.fromkeys(text(row.get("encoder")) for row in rows) if one not in named]
    axis = mapping(found.get("axis"))
    parts: dict[tuple[str, str, str], list[Found]] = {}
    for row in rows:
        along = text(mapping(row.get("axis") or axis).get("x"))
        parts.setdefault((text(row.get("data")), text(row.get("metric")), along), []).append(row)
    drawn = sorted(parts, key=lambda key: key[1] != table.metric.get(key[0]))
    return [_chart(name, *key[:2], parts[key], named, table.baselines, mapping(parts[key][0].get("axis") or axis)) for key in drawn]


def _chart(name: str, data: str, metric: str, rows: Sequence[Found], named: Sequence[str], beside: Sequence[str], axis: Mapping[str, Any]) -> Mapping[str, Any]:
    what, log = text(axis.get("x")) or "x", axis.get("log") is True and all((number(row.get("x")) or 0) > 0 for row in rows)
    xs = sorted({number(row.get("x")) or 0.0 for row in rows})
    show = share if "share" in what else figure
    x = logarithmic(xs, xs, show) if log else linear(xs, count=4, show=show)
    if not log and len(xs) <= 12:
        x = Axis(x.low, x.high, tuple(Tick(x.at(v), show(v)) for v in xs))
    mine = [one for one in named if any(text(row.get("encoder")) == one for row in rows)]
    lines, numbers, colours, greys = [], [], 0, 0
    for nth, encoder in enumerate(mine):
        here = sorted((row for row in rows if text(row.get("encoder")) == encoder), key=lambda row: number(row.get("x")) or 0.0)
        shift = _APART * (nth - (len(mine) - 1) / 2)
        points, spans = [], []
        for row in here:
            at, value = number(row.get("x")) or 0.0, number(row.get("value")) or 0.0
            low, high = number(row.get("low")), number(row.get("high"))
            place = at * (x.high / x.low) ** shift if log else at + shift * (x.high - x.low)
            points.append((place, value))
            if low is not None and high is not None and len(mine) <= _WITH_WHISKERS:
                spans.append((place, low, high))
            numbers.append([encoder, show(at), score(value, metric), interval(low, high, metric)])
        grey = encoder in beside
        alone = grey or colours < _COLOURED or len(mine) - len(beside) <= _COLOURED + 1
        colour, dash = ("grey", 1 + greys % 3) if grey else (f"c{colours}", 0) if alone else ("grey", 0)
        colours, greys = colours + (not grey), greys + grey
        lines.append(Line(encoder if alone else _OTHERS, points, colour, dash=dash, spans=spans, dots=alone))
    ys = [y for line in lines for _, y in line.points] + [v for line in lines for _, low, high in line.spans for v in (low, high)]
    edges = (0.0, 1.0) if is_score(metric) else (None, None)
    said = "; ".join(f"{one} from {score(line.points[0][1], metric)} to {score(line.points[-1][1], metric)}" for one, line in zip(mine, lines))
    chart = Chart(
        title=f"{name}, {data}: {title(metric)} by {what}",
        x=x,
        y=linear(ys, count=4, floor=edges[0], ceiling=edges[1], show=lambda v: short_score(v, metric)),
        lines=lines,
        summary=f"{title(metric)} on {data} by {what}: {said}.",
        x_title=what,
        digits="percent" if is_percent(metric) else "score" if is_score(metric) else "",
        group=f"{name}-{data}-{what}",
        x_texts=[show(v) for v in xs] if "share" in what else (),
    )
    return {"chart": chart, "heads": ["Encoder", what.capitalize(), title(metric), "95 % interval"], "rows": numbers}
