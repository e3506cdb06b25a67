"""Whether protocols agree on encoders: each against each other, and ImageNet's top-1 accuracy against all of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from vesalius.report.chart import Chart, Line
from vesalius.report.grid import grid, protocols
from vesalius.report.labels import placed
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import linear
from vesalius.report.values import number, records, text
from vesalius.report.wording import count, figure

_LEAST = 3
"""Encoders that must be on a chart for it to say anything."""
_MOST = 4
_IMAGENET = "ImageNet top-1, %"


def present(run: RunRecord) -> bool:
    """Whether there is more than one thing to compare encoders by."""
    return bool(records(run.results.get("correlations"))) or bool(_charts(run))


def section(runs: Sequence[RunRecord]) -> Section:
    """A table of coefficients and a chart for each pair."""
    return by_run("correlations", "Do protocols agree?", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    rows, charts = _rows(run), _charts(run)
    if not rows and not charts:
        return Block(run, reason=run.reason("correlations", "Protocols are compared where there are two of them and three encoders."))
    heads = ["Protocols", "Pearson", "Spearman", "95 % interval", "Points"]
    return Block(run, parts={"rows": rows, "charts": charts[:_MOST], "more": charts[_MOST:], "heads": heads})


def _rows(run: RunRecord) -> list[list[str]]:
    return [
        [
            f"{text(row.get('a'))} and {text(row.get('b'))}",
            figure(number(row.get("pearson"))),
            figure(number(row.get("spearman"))),
            "–" if number(row.get("low")) is None else f"{figure(number(row.get('low')))} to {figure(number(row.get('high')))}",
            count(number(row.get("n"))),
        ]
        for row in records(run.results.get("correlations"))
    ]


def _charts(run: RunRecord) -> list[Chart]:
    found = {name: grid(run.results, name) for name in protocols(run.results)}
    scores = {name: {one: mean for one in table.names if (mean := table.mean(one)) is not None} for name, table in found.items()}
    beside = {name for table in found.values() for name in table.baselines}
    top = {text(one.get("name")): v for one in records(run.results.get("encoders")) if (v := number(one.get("imagenet_top1"))) is not None}
    top = {name: 100 * v if v <= 1 else v for name, v in top.items()}
    made = [_chart(a, scores[a], b, scores[b], beside) for a, b in combinations(found, 2)]
    made += [_chart(_IMAGENET, top, name, scores[name], beside) for name in found]
    return [chart for chart in made if chart is not None]


def _chart(x_title: str, xs: dict[str, float], y_title: str, ys: dict[str, float], beside: set[str]) -> Chart | None:
    names = [name for name in xs if name in ys]
    if len(names) < _LEAST:
        return None
    x, y = (linear([values[name] for name in names], count=4, pad=0.12) for values in (xs, ys))
    lines = [Line(name, [(xs[name], ys[name])], "grey" if name in beside else "c0", dots=True, joined=False) for name in names]
    labels = placed([(x.at(xs[name]), 100 - y.at(ys[name]), name) for name in names])
    said = "; ".join(f"{name} {figure(xs[name])} and {figure(ys[name])}" for name in names)
    return Chart(f"{y_title} against {x_title}", x, y, lines, f"{y_title} against {x_title}: {said}.", x_title=x_title, labels=labels)
