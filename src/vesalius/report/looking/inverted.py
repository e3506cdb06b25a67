"""What is left of an image at a layer: each image beside what was found again from each encoder's features, and how the error fell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.chart import Chart, Line
from vesalius.report.grid import part
from vesalius.report.looking.shown import shown
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import logarithmic
from vesalius.report.values import number, records, text, texts
from vesalius.report.wording import count, figure

_PROTOCOL = "reconstruction"
_IMAGES, _STRIPS = 4, 8
"""Images of a data set and filmstrips that are shown at once."""
_STRIP_SIDE = 1200
_DECADES = [10.0**power for power in range(-6, 9)]

Rows = Sequence[Mapping[str, Any]]


def present(run: RunRecord) -> bool:
    """Whether ``run`` has images that were found again from features."""
    return bool(_pictures(run))


def section(runs: Sequence[RunRecord], budget: int) -> Section:
    """Images, filmstrips and curves of each run; the pictures together within ``budget`` bytes."""
    return by_run("inverted", "Images found again from features", [_block(run, budget // len(runs)) for run in runs])


def _block(run: RunRecord, budget: int) -> Block:
    rows = _pictures(run)
    if not rows:
        return Block(run, reason=run.reason("inverted", "The evaluation found no image again: `vesalius evaluate reconstruction` does."))
    found = part(run.results, _PROTOCOL)
    first = [row for row in rows if number(row.get("seed")) in (None, 1)]
    names = _named(first, "encoder")
    each = budget // (4 * len(first))
    parts = {
        "facts": _facts(records(found.get("chosen"))),
        "notes": list(dict.fromkeys(text(row.get("note")) for row in records(found.get("chosen")) if text(row.get("note")))),
        "seeds": len(_named(rows, "seed")),
        "charts": _charts(records(found.get("curves"))),
        "sets": [_of_data(run, data, [row for row in first if text(row.get("data")) == data], names, each) for data in _named(first, "data")],
        "absent": [f"{text(row.get('encoder'))} on {text(row.get('data'))}: {text(row.get('reason'))}" for row in records(found.get("absent"))],
    }
    return Block(run, parts=parts)


def _of_data(run: RunRecord, data: str, rows: Rows, names: Sequence[str], budget: int) -> Mapping[str, Any]:
    """The images of a data set, each beside a picture for each encoder, and the filmstrips."""
    images = [_image(run, [row for row in rows if text(row.get("id")) == one], names, budget) for one in _named(rows, "id")]
    strips = [
        {"picture": shown(run, text(row.get("strip")), 2 * budget, _STRIP_SIDE), "name": text(row.get("encoder")), "id": text(row.get("id"))[:8]}
        for row in rows[:_STRIPS]
    ]
    several = {"images": images[:_IMAGES], "more": images[_IMAGES:], "strips": strips}
    return {"name": data, **several, "left": len(rows) - len(strips), "wide": min(6, 1 + len(names))}


def _image(run: RunRecord, rows: Rows, names: Sequence[str], budget: int) -> Mapping[str, Any]:
    of = {text(row.get("encoder")): row for row in rows}
    tiles = [
        {
            "name": name,
            "layer": text(of[name].get("layer")),
            "picture": shown(run, text(of[name].get("image")), budget),
            "error": figure(number(of[name].get("feature_error"))),
            "psnr": figure(number(of[name].get("psnr"))),
            "ssim": figure(number(of[name].get("ssim"))),
        }
        for name in names
        if name in of
    ]
    return {"id": text(rows[0].get("id"))[:8], "picture": shown(run, text(rows[0].get("original")), budget), "tiles": tiles}


def _facts(rows: Rows) -> Mapping[str, Any]:
    """What was inverted of each encoder, and what that took."""
    lines = {}
    for row in rows:
        layer, module = text(row.get("layer")), text(row.get("module"))
        shape = " × ".join(texts([str(side) for side in row.get("layer_shape") or ()]))
        size = " × ".join(texts([str(side) for side in row.get("size") or ()]))
        what = f"{layer} ({module})" if module and module != layer else layer
        words = [text(row.get("encoder")), what, shape, size, *(count(number(row.get(key))) for key in ("generator_parameters", "iterations"))]
        lines[(words[0], what)] = [*words, figure(number(row.get("seconds_per_image")))]
    return {"heads": ["Encoder", "Layer", "Its shape", "Image", "Parameters that paint", "Iterations", "Seconds an image"], "rows": list(lines.values())}


def _charts(rows: Rows) -> list[Chart]:
    """The feature error against the iteration, for each data set, both axes logarithmic."""
    charts = []
    for data in _named(rows, "data"):
        here = [row for row in rows if text(row.get("data")) == data and (number(row.get("value")) or 0) > 0]
        lines = [_line(name, place, [row for row in here if text(row.get("encoder")) == name]) for place, name in enumerate(_named(here, "encoder"))]
        values = [y for line in lines for y in (*(y for _, y in line.points), *(end for _, *ends in line.spans for end in ends))]
        if not values:
            continue
        xs = [x for line in lines for x, _ in line.points]
        y = logarithmic(values, [at for at in _DECADES if min(values) <= at <= max(values)] or [min(values), max(values)], figure)
        x = logarithmic(xs, [at for at in _DECADES if 1 <= at <= max(xs)], count)
        said = "; ".join(f"{line.name}: from {figure(line.points[0][1])} to {figure(line.points[-1][1])}" for line in lines)
        summary = f"Feature error against the iteration. {said}."
        charts.append(Chart(f"Feature error on {data}", x, y, lines, summary, x_title="iteration", group=f"inverted-{data}"))
    return charts


def _line(name: str, place: int, rows: Rows) -> Line:
    points, spans = [], []
    for row in rows:
        x, y, low, high = (number(row.get(key)) for key in ("x", "value", "low", "high"))
        if x is None or y is None:
            continue
        points.append((x, y))
        if low is not None and high is not None and low > 0:
            spans.append((x, low, high))
    return Line(name, points, f"c{place % 8}", dash=place % 3, spans=spans, band=True)


def _pictures(run: RunRecord) -> list[Mapping[str, Any]]:
    return [row for row in records(part(run.results, _PROTOCOL).get("pictures")) if text(row.get("image"))]


def _named(rows: Rows, key: str) -> list[str]:
    return list(dict.fromkeys(str(row.get(key, "")) for row in rows))
