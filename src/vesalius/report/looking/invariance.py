"""What encoders let pass: how alike an image and its transformed version are to each, transform by transform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.chart import Chart, Line
from vesalius.report.grid import Grid, grid, metrics, part
from vesalius.report.looking.shown import shown, stops
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import Axis, linear, logarithmic
from vesalius.report.values import number, records, text
from vesalius.report.wording import count, figure, interval, listed, score, title

_PROTOCOL, _METRIC = "invariance", "whitened_cosine"
_ALL = "all"
_SWITCH = "off or on"
"""The axis of a transform that has no amount: its two settings are no curve."""
_WIDE = 2000
"""Pixels of the longer side of the sheet of transforms, which is read line by line."""
_OPEN = 1
"""Data sets whose curves are shown at once."""
_FEW, _TICKS = 32, 6
"""Points that are dots with whiskers; more are a line in a band."""
Found = Mapping[str, Any]


def present(run: RunRecord) -> bool:
    """Whether ``run`` transformed images."""
    return bool(records(part(run.results, _PROTOCOL).get("cells")))


def section(runs: Sequence[RunRecord], budget: int) -> Section:
    """Tables in colours, curves, what was estimated, and the sheet of transforms within ``budget`` bytes."""
    return by_run(_PROTOCOL, "What encoders are invariant to", [_block(run, budget // len(runs)) for run in runs])


def _block(run: RunRecord, budget: int) -> Block:
    if not present(run):
        return Block(run, reason=run.reason(_PROTOCOL, "The evaluation transformed no images: `vesalius evaluate invariance` does."))
    found = part(run.results, _PROTOCOL)
    transforms = {text(row.get("name")): row for row in records(found.get("transforms"))}
    measures = [metric for metric in metrics(run.results, _PROTOCOL) if "@" not in metric]
    tables = [_table(run, metric, transforms) for metric in measures]
    first = grid(run.results, _PROTOCOL, _METRIC)
    curves = [{"name": data, "charts": _charts(found, data, first, transforms)} for data in first.data]
    curves = [one for one in curves if one["charts"]]
    return Block(
        run,
        parts={
            "tables": tables,
            "says": _says(found, transforms),
            "theirs": theirs(run),
            "curves": curves[:_OPEN],
            "more": curves[_OPEN:],
            "several": len(first.data) > 1,
            "heads": ["Encoder", "Data", "Images", "Dimensions", "Directions", "Condition", "Held-out length"],
            "estimates": estimates(found),
            "sheet": shown(run, text(found.get("sheet")), budget, _WIDE),
            "absent": [f"{name} on {data}: {reason}" for (name, data), reason in first.reasons.items()],
        },
    )


def theirs(run: RunRecord) -> bool:
    """Whether ``run`` measured as the original did, with the images that are looked at in the covariance."""
    return text(run.config.get("compat")) not in ("", "none")


def estimates(found: Found) -> list[list[str]]:
    """Of each pair how many images in how many dimensions its mean and covariance are of; fewer than five for each is marked."""
    rows = []
    for row in records(found.get("chosen")):
        samples, dim = number(row.get("samples")) or 0.0, number(row.get("dim")) or 0.0
        mark = " (few)" if samples < 5 * dim else ""
        numbers = [figure(number(row.get(key))) for key in ("condition", "fit")]
        rows.append([text(row.get("encoder")), text(row.get("data")), f"{count(samples)}{mark}", count(dim), count(number(row.get("rank"))), *numbers])
    return rows


def _says(found: Found, transforms: Mapping[str, Found]) -> Mapping[str, str]:
    """What the numbers mean, in numbers."""
    chosen = records(found.get("chosen"))
    chance = [v for v in (number(row.get("neighbours_by_chance")) for row in chosen) if v is not None]
    nothing = [name for row in chosen for name in row.get("changed_nothing") or ()]
    return {
        "probes": count(number(chosen[0].get("probes"))) if chosen else "",
        "neighbours": count(number(chosen[0].get("neighbours"))) if chance else "",
        "chance": score(max(chance), "neighbours_kept") if chance else "",
        "nothing": listed(list(dict.fromkeys(text(transforms.get(name, {}).get("title")) or str(name) for name in nothing))),
    }


def _table(run: RunRecord, metric: str, transforms: Mapping[str, Found]) -> Mapping[str, Any]:
    """A line for each encoder on each data set, a column for each transform, coloured from dark (0, or the least) to light (1, or the most)."""
    whole = grid(run.results, _PROTOCOL, metric)
    each = {_ALL: whole, **{name: one for name in transforms if (one := grid(run.results, _PROTOCOL, f"{metric}@{name}")).cells}}
    values = [cell.value for one in each.values() for cell in one.cells.values()]
    low, high = min(0.0, *values, 0.0), max(1.0, *values, 1.0)
    several = len(whole.data) > 1
    rows = []
    for name in whole.names:
        for data in whole.data:
            if (name, data) in whole.cells:
                cells = [_cell(one, name, data, metric, low, high) for one in each.values()]
                rows.append({"name": name, "data": data if several else "", "baseline": name in whole.baselines, "cells": cells})
    heads = [text(transforms.get(name, {}).get("title")) or name for name in each]
    bar = {"low": figure(low), "high": figure(high), "colours": stops("viridis")}
    return {"metric": metric, "title": title(metric), "heads": heads, "rows": rows, "bar": bar}


def _cell(one: Grid, name: str, data: str, metric: str, low: float, high: float) -> Mapping[str, str]:
    """The number, its interval, and its colours."""
    from vesalius.figures import coloured

    cell = one.cells.get((name, data))
    if cell is None:
        return {}
    import numpy as np

    red, green, blue = coloured(np.array([[cell.value]]), low, high, "viridis")[0, 0].tolist()
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 115
    value = score(cell.value, metric) if metric == "neighbours_kept" else f"{cell.value:.2f}".replace("-", "−")
    return {
        "value": value,
        "interval": interval(cell.low, cell.high, metric),
        "ground": f"rgb({red} {green} {blue})",
        "ink": "#111" if light else "#fff",
    }


def _charts(found: Found, data: str, first: Grid, transforms: Mapping[str, Found]) -> list[Chart]:
    """A chart for each transform that has more than one parameter."""
    rows = [row for row in records(found.get("curves")) if text(row.get("data")) == data and text(row.get("metric")) == _METRIC]
    bounds = [v for row in rows for v in (number(row.get(key)) for key in ("value", "low", "high")) if v is not None]
    if not bounds:
        return []
    y = linear([0.0, 1.0, *bounds], count=4, pad=0.03, floor=min(-1.0, *bounds), ceiling=1.0)
    made = []
    for name, about in transforms.items():
        mine = [row for row in rows if text(row.get("transform")) == name]
        lines = [line for place, one in enumerate(first.names) if (line := _line(one, place, one in first.baselines, mine)) is not None]
        places = sorted({x for line in lines for x, _ in line.points})
        if len(places) < 2 or text(about.get("axis")) == _SWITCH:
            continue
        said, axis = (text(about.get("title")) or name).capitalize(), text(about.get("axis"))
        ends = "; ".join(f"{line.name} from {figure(line.points[0][1])} to {figure(line.points[-1][1])}" for line in lines)
        summary = f"{title(_METRIC)} against {axis}, {said}: {ends}."
        made.append(Chart(said, _axis(places, axis, name), y, lines, summary, x_title=axis, group=f"invariance-{data}-{name}"))
    return made


def _line(encoder: str, place: int, baseline: bool, rows: Sequence[Found]) -> Line | None:
    """One encoder's curve; of parameters that stand at one place the mean."""
    here: dict[float, list[tuple[float, float | None, float | None]]] = {}
    for row in rows:
        x, value = number(row.get("x")), number(row.get("value"))
        if text(row.get("encoder")) == encoder and x is not None and value is not None:
            here.setdefault(x, []).append((value, number(row.get("low")), number(row.get("high"))))
    if not here:
        return None
    points = [(x, _mean([value for value, _, _ in here[x]])) for x in sorted(here)]
    ends = [(x, [low for _, low, _ in here[x] if low is not None], [high for *_, high in here[x] if high is not None]) for x in sorted(here)]
    spans = [(x, _mean(lows), _mean(highs)) for x, lows, highs in ends if lows and highs]
    few = len(points) <= _FEW
    return Line(encoder, points, "grey" if baseline else f"c{place % 8}", dash=place % 3, spans=spans, band=not few, dots=few)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _axis(places: Sequence[float], said: str, name: str) -> Axis:
    if places[0] > 0 and (said == "factor" or name == "blur"):
        step = max(1, -(-len(places) // _TICKS))
        return logarithmic(places, places[::step], figure)
    return linear(places, count=5)
