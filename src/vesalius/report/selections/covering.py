"""How well the selection covers all there is, beside random selections of equal size: measures, and distances as histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from vesalius.report.chart import Chart, Line
from vesalius.report.probes import Row, Table, Whisker
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import linear
from vesalius.report.values import mapping, number
from vesalius.report.wording import count, figure, share

MEASURES = {
    "cover_radius": ("Cover radius", "from the farthest image to the selected one nearest to it", True),
    "mean_nearest": ("Mean distance", "from an image to the selected one nearest to it", True),
    "min_pair": ("Least pair", "between two selected images", False),
    "mean_pair": ("Mean nearest pair", "from a selected image to the nearest other", False),
}
"""Name, from where to where, whether less is better."""
_OF_OBJECTS = {
    "cover_radius": "from the farthest object to the nearest object in a selected image",
    "mean_nearest": "from an object to the nearest object in a selected image",
}
_NONE = "The images were not embedded, so there are no distances."
_LINES = {"pool": ("all images", "grey", 1), "selection": ("selected", "c0", 0), "random": ("random, as many", "c1", 2)}


def section(runs: Sequence[RunRecord]) -> Section:
    """A table for each run."""
    return by_run("covering", "Coverage", [_block(run) for run in runs])


def distances(runs: Sequence[RunRecord]) -> Section:
    """Two histograms for each run."""
    return by_run("distances", "Distances before and after", [_histograms(run) for run in runs])


def standing(name: str, found: Mapping[str, Any]) -> str:
    """``better``, ``worse`` or ``as random``: whether the selection lies beyond every random one. Empty where nothing is known."""
    value, random = number(found.get("selection")), mapping(found.get("random"))
    least, greatest = number(random.get("least")), number(random.get("greatest"))
    if value is None or least is None or greatest is None:
        return ""
    if least <= value <= greatest:
        return "as random"
    return "better" if (value < least) is MEASURES[name][2] else "worse"


def _block(run: RunRecord) -> Block:
    quality = run.block("quality")
    found = [(name, "", mapping(quality.get(name))) for name in MEASURES]
    for task, of_task in mapping(quality.get("objects")).items():
        found += [(name, str(task), mapping(mapping(of_task).get(name))) for name in _OF_OBJECTS]
    found = [row for row in found if number(row[2].get("selection")) is not None and number(mapping(row[2].get("random")).get("mean"))]
    if not found:
        return Block(run, reason=run.reason("covering", _NONE))
    entries = [_relative(one) for _, _, one in found]
    bounds = [1.0, *(v for entry in entries for v in entry)]
    axis = linear(bounds, count=4, pad=0.08, show=lambda v: f"{figure(v)}×")
    rows = []
    for (name, task, one), (value, low, high) in zip(found, entries):
        random, word = mapping(one.get("random")), standing(name, one)
        least, greatest = figure(number(random.get("least"))), figure(number(random.get("greatest")))
        numbers = [figure(number(one.get("selection"))), figure(number(random.get("mean"))), f"{least} to {greatest}"]
        marks = [Whisker(axis.at(value), None, None, "c0", ""), Whisker(axis.at(1.0), axis.at(low), axis.at(high), "grey", "")]
        title, what, _ = MEASURES[name]
        if task:
            title, what = f"{title}, {task}", _OF_OBJECTS[name]
        rows.append(Row([title, what], numbers, marks, own=False, verdict=word, mark={"better": "▲", "worse": "▼"}.get(word, "○")))
    heads = ["Measure", "Distance", "Selected", "Random", "Least to greatest", "Reading"]
    table = Table("cover", "Selected and random", heads, rows, axis, zero=axis.at(1.0))
    before = number(quality.get("chosen_before"))
    sample = (
        f"{count(number(quality.get('seeds')))} random selections of equal size are drawn from the same {count(number(quality.get('counted')))} images; "
        f"Euclidean distances of the embeddings. Drawn: times the random mean."
    )
    return Block(run, parts={"table": table, "sample": sample, "before": count(before) if before else ""})


def _relative(one: Mapping[str, Any]) -> tuple[float, float, float]:
    """The value, the least and the greatest of the random ones, each as a share of their mean."""
    random = mapping(one.get("random"))
    mean = number(random.get("mean")) or 1.0
    value, low, high = (number(v) for v in (one.get("selection"), random.get("least"), random.get("greatest")))
    return (value or 0.0) / mean, (mean if low is None else low) / mean, (mean if high is None else high) / mean


def _histograms(run: RunRecord) -> Block:
    found = run.block("distances")
    titles = {
        "pairs": ("Distances of pairs", "distance between two images", "To the right: more different images."),
        "reach": ("Distances to the selection", "distance of each image to the selected one nearest to it", "To the left: images better covered."),
    }
    charts = [chart for name, words in titles.items() if (chart := histogram(mapping(found.get(name)), *words)) is not None]
    return Block(run, parts={"charts": charts}) if charts else Block(run, reason=run.reason("distances", _NONE))


def histogram(found: Mapping[str, Any], title: str, x_title: str, note: str = "", most: int = 64) -> Chart | None:
    """Shares over common bins, the selection filled; None where there is nothing to draw."""
    raw = found.get("edges")
    edges = [v for v in (number(one) for one in (raw if isinstance(raw, list) else [])[: most + 1]) if v is not None]
    lines = []
    for name, (said, colour, dash) in _LINES.items():
        shares = [number(v) or 0.0 for v in mapping(found.get("shares")).get(name) or []]
        if len(edges) > 1 and len(shares) == len(edges) - 1:
            points = [((low + high) / 2, value) for (low, high), value in zip(pairwise(edges), shares)]
            filled = [(x, 0.0, y) for x, y in points] if name == "selection" else []
            lines.append(Line(said, points, colour, dash, spans=filled, band=bool(filled)))
    if not lines:
        return None
    lines.sort(key=lambda line: line.colour != "c0")
    top = [y for line in lines for _, y in line.points]
    summary = f"{title}: histograms of {', '.join(line.name for line in lines)} over {len(edges) - 1} bins."
    y = linear([0.0, *top], count=4, floor=0.0, show=share)
    return Chart(title, linear(edges, count=5, pad=0), y, lines, summary, x_title=x_title, digits="percent", note=note)
