"""Whether what is measured of encoders goes together: scores, what looks into them without labels, and their published ImageNet accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from vesalius.report.aspects import Aspect, Row, across, aspects, coefficients, renamed, within
from vesalius.report.chart import Chart, Line
from vesalius.report.evaluated import probability
from vesalius.report.labels import placed
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import linear
from vesalius.report.values import number, records, text, texts
from vesalius.report.wording import MINUS, count, figure

_OPEN_ROWS, _OPEN_CHARTS = 12, 4
_CHARTS = 24
"""Charts at most, the strongest: the table has every pair."""
_LINE = 5
"""Encoders from which on a line is drawn through the points."""
_HEADS = ("Encoders by", "Spearman", "95 % interval", "p", "p by Holm", "Pearson", "95 % interval", "p", "Encoders")
_NONE = "Encoders are compared by two things that were measured of at least three of them."
Together = tuple[Aspect, Aspect, Row]


def present(run: RunRecord) -> bool:
    """Whether there is more than one thing to compare encoders by."""
    return bool(_within(run))


def between(runs: Sequence[RunRecord]) -> bool:
    """Whether two of ``runs`` examined the same encoders by different things."""
    return any(_across(one, other) for one, other in combinations(runs, 2))


def section(runs: Sequence[RunRecord]) -> Section:
    """A table of coefficients and a chart for each pair; of several runs those between them first."""
    blocks = [_block(run) for run in runs]
    pairs = [(one, other, _across(one, other)) for one, other in combinations(runs, 2)]
    crossed = [{"title": f"{one.letter} against {other.letter}", **_parts(found, set())} for one, other, found in pairs if found]
    if crossed:
        return Section("correlations", "Do measures agree?", parts={"crossed": crossed}, blocks=[one for one in blocks if not one.reason])
    return by_run("correlations", "Do measures agree?", blocks, crossed=[])


def _block(run: RunRecord) -> Block:
    found = _within(run)
    if not found:
        return Block(run, reason=run.reason("correlations", _NONE))
    beside = {text(one.get("name")) for one in records(run.results.get("encoders")) if one.get("baseline") is True}
    return Block(run, parts=_parts(found, beside))


def _within(run: RunRecord) -> list[Together]:
    """The pairs of one evaluation, as its results have them; those of an earlier version, which had fewer, are found again."""
    known = aspects(run.results)
    rows: Sequence[Mapping[str, Any]] = records(run.results.get("correlations"))
    if any("p_holm" not in row for row in rows) or (not rows and len(known) > 1):
        beside = [text(one.get("name")) for one in records(run.results.get("encoders")) if one.get("baseline") is True]
        rows = coefficients(within(known), int(number(run.config.get("seed")) or 1), beside)
    named = {(one.protocol, one.metric): one for one in known}
    each = [((text(row.get("a")), text(row.get("a_metric"))), (text(row.get("b")), text(row.get("b_metric"))), row) for row in rows]
    return [(named[a], named[b], dict(row)) for a, b, row in each if a in named and b in named]


def _across(one: RunRecord, other: RunRecord) -> list[Together]:
    """The pairs of two evaluations, over the encoders whose weights both examined, by the first's names for them."""
    first, second = _encoders(one), _encoders(other)
    alike = {second[weights]: name for weights, name in first.items() if weights in second}
    mine = renamed(aspects(one.results, one.letter), {name: name for name in alike.values()})
    pairs = across(mine, renamed(aspects(other.results, other.letter), alike))
    found = coefficients(pairs, int(number(one.config.get("seed")) or 1))
    named = {(a.protocol, a.metric, b.protocol, b.metric): (a, b) for a, b in pairs}
    return [(*named[row["a"], row["a_metric"], row["b"], row["b_metric"]], row) for row in found]


def _encoders(run: RunRecord) -> dict[str, str]:
    """The hash of the weights of each encoder that was asked for, to its name."""
    own = [one for one in records(run.results.get("encoders")) if one.get("baseline") is not True]
    return {text(one.get("weights")): text(one.get("name")) for one in own if text(one.get("weights"))}


def _parts(found: Sequence[Together], beside: set[str]) -> dict[str, Any]:
    over, single = ([one for one in found if (one[2].get("on") is None) is whether] for whether in (True, False))
    charts = [chart for chart in (_chart(a, b, row, beside) for a, b, row in [*over, *single][:_CHARTS]) if chart is not None]
    named = ((over, "over data sets" if single else "pairs"), (single, "on single ones"))
    families = [f"all {count(number(rows[0][2].get('family')))} {said}" for rows, said in named if rows]
    few = [row for _, _, row in found if number(row.get("pearson_low")) is None]
    return {
        "heads": _HEADS,
        "rows": [_said(*one) for one in over[:_OPEN_ROWS]],
        "more_rows": [_said(*one) for one in over[_OPEN_ROWS:]],
        "single": [_said(*one) for one in single],
        "charts": charts[:_OPEN_CHARTS],
        "more_charts": charts[_OPEN_CHARTS:],
        "family": " at once, and for ".join(families),
        "few": bool(few),
    }


def _said(a: Aspect, b: Aspect, row: Row) -> list[str]:
    where = f" on {text(row.get('on'))}" if row.get("on") else "" if texts(row.get("data")) else ", of different images"
    return [
        f"{a.name} and {b.name}{where}",
        _two(row, "spearman"),
        _interval(row, "low", "high"),
        _probability(row, "p"),
        _probability(row, "p_holm"),
        _two(row, "pearson"),
        _interval(row, "pearson_low", "pearson_high"),
        _probability(row, "pearson_p"),
        count(number(row.get("n"))),
    ]


def _two(row: Row, key: str) -> str:
    """A coefficient with two decimals, so that they stand below each other."""
    found = number(row.get(key))
    return "–" if found is None else f"{found:.2f}".replace("-0.00", "0.00").replace("-", MINUS)


def _interval(row: Row, low: str, high: str) -> str:
    return "–" if number(row.get(low)) is None else f"{_two(row, low)} to {_two(row, high)}"


def _probability(row: Row, key: str) -> str:
    found = number(row.get(key))
    return "–" if found is None else probability(found)


def _chart(a: Aspect, b: Aspect, row: Row, beside: set[str]) -> Chart | None:
    """``b`` against ``a``, the score upwards; a name at each encoder, and the line of least squares through those that count."""
    if a.scored and not b.scored:
        a, b = b, a
    data = texts(row.get("data"))
    xs, ys = a.on(data), b.on(data)
    names = [name for name in xs if name in ys]
    if not names:
        return None
    x, y = (linear([values[name] for name in names], count=4, pad=0.12) for values in (xs, ys))
    lines = [Line(name, [(xs[name], ys[name])], "grey" if name in beside else "c0", dots=True, joined=False) for name in names]
    labels = placed([(x.at(xs[name]), 100 - y.at(ys[name]), name) for name in names])
    own = [name for name in names if name not in beside]
    if len(own) >= _LINE and len({xs[name] for name in own}) > 1:
        lines.append(_least_squares([(xs[name], ys[name]) for name in own], (y.low, y.high)))
    where = f" on {row['on']}" if row.get("on") else ""
    title = f"{b.titled} against {a.titled}{where}"
    said = "; ".join(f"{name} {figure(xs[name])} and {figure(ys[name])}" for name in names)
    rho = f"Spearman {_two(row, 'spearman')}, Pearson {_two(row, 'pearson')}, {count(number(row.get('n')))} encoders."
    return Chart(title, x, y, lines, f"{title}: {said}.", x_title=a.titled, note=rho, labels=labels)


def _least_squares(points: Sequence[tuple[float, float]], bounds: tuple[float, float]) -> Line:
    """From the least to the greatest x, cut where it leaves the chart."""
    mean = [sum(values) / len(points) for values in zip(*points, strict=True)]
    slope = sum((x - mean[0]) * (y - mean[1]) for x, y in points) / sum((x - mean[0]) ** 2 for x, _ in points)
    ends = [min(x for x, _ in points), max(x for x, _ in points)]
    if slope:
        edges = sorted(mean[0] + (bound - mean[1]) / slope for bound in bounds)
        ends = [max(ends[0], edges[0]), min(ends[1], edges[1])]
    return Line("least squares", [(x, mean[1] + slope * (x - mean[0])) for x in ends], "grey", dash=1)
