"""What a method that paints has learnt to paint: pictures of validation samples, and the four curves of the tutorial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vesalius.report.chart import Chart, Line, Point, thin
from vesalius.report.pictures import data_uri, open_picture
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import linear
from vesalius.report.values import number
from vesalius.report.wording import count, figure

MONITOR = "monitor/reconstruction/"
PICTURE = "figures/reconstruction-planes.png"
_SCREEN = 680
_CURVES: tuple[tuple[str, tuple[tuple[str, str], ...], str], ...] = (
    ("Total loss", (("loss", "total"),), ""),
    ("L1 in training", (("loss/l1", "L1"),), "Of the damaged views that were learnt from."),
    ("Contrastive term", (("contrastive", "NT-Xent"),), "NT-Xent of the two reconstructions, before it is weighted by L1."),
    (
        "L1 on validation",
        ((f"{MONITOR}l1", "reconstruction"), (f"{MONITOR}identity_l1", "damaged view copied"), (f"{MONITOR}mean_l1", "mean answered")),
        "The same patches and holes at every look; two answers without a network beside it.",
    ),
)


def paints(run: RunRecord) -> bool:
    """Whether a monitor of reconstructions looked at ``run``."""
    return (run.path / PICTURE).is_file() or any(f"{MONITOR}l1" in row for row in run.metrics)


def section(runs: Sequence[RunRecord], budget: int) -> Section:
    """Curves of all runs on shared axes, and the picture of each; together at most ``budget`` bytes."""
    blocks = [_block(run, budget // len(runs)) for run in runs]
    return by_run("reconstruction", "Reconstruction", blocks, charts=_charts([run for run in runs if paints(run)]))


def _block(run: RunRecord, budget: int) -> Block:
    if not paints(run):
        return Block(run, reason=run.reason("reconstruction", "No monitor of reconstructions ran."))
    image = open_picture(run.path / PICTURE) if (run.path / PICTURE).is_file() else None
    address = data_uri(image, budget)[0] if image is not None else ""
    parts: dict[str, Any] = {"said": _said(run), "picture": address}
    if image is not None and address:
        columns = str(image.info.get("columns") or "")
        shown = round(image.width * max(1.0, min(2.0, _SCREEN / image.width)))
        parts |= {"columns": columns.split("|") if columns else [], "width": image.width, "height": image.height, "shown": shown}
    return Block(run, parts=parts)


def _said(run: RunRecord) -> str:
    """The last look in numbers."""
    last = next((row for row in reversed(run.metrics) if f"{MONITOR}l1" in row), None)
    if last is None:
        return ""
    value = {key.removeprefix(MONITOR): figure(number(last[key])) for key in last if key.startswith(MONITOR) and number(last[key]) is not None}
    kept = "" if value.get("kept_l1") == figure(0.0) else f", {value.get('kept_l1')} where not"
    return (
        f"At step {count(number(last.get('step')))}, L1 on validation was {value['l1']}: {value.get('hidden_l1')} where the view was damaged or hidden "
        f"({100 * (number(last.get(f'{MONITOR}hidden_share')) or 0):.0f} % of it){kept}. Copying the view gives {value.get('identity_l1')}, "
        f"answering the mean {value.get('mean_l1')}."
    )


def _charts(runs: Sequence[RunRecord]) -> list[Chart]:
    found = []
    for title, keys, note in _CURVES:
        lines = []
        for place, run in enumerate(runs):
            for nth, (key, name) in enumerate(keys):
                points, spans = thin(_points(run, key))
                if points:
                    words = " · ".join(filter(None, [run.letter, name]))
                    colour, dash = (f"c{place % 8}", nth) if len(runs) > 1 else (f"c{nth}" if nth == 0 else "grey", nth)
                    lines.append(Line(words, points, colour=colour, dash=dash, spans=spans, band=bool(spans), dots=len(points) <= 24))
        if lines:
            found.append(_chart(title, lines, note))
    return found


def _chart(title: str, lines: Sequence[Line], note: str) -> Chart:
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    last = max(xs)
    said = "; ".join(f"{line.name}: from {figure(line.points[0][1])} to {figure(line.points[-1][1])}" for line in lines)
    x = linear([0.0, last if last > 0 else 1.0], count=4, pad=0.0, show=count)
    y = linear(ys, count=4, show=figure, floor=0.0 if min(ys) >= 0 else None)
    return Chart(title, x, y, lines, f"{title} up to step {count(last)}. {said}.", group="steps", note=note)


def _points(run: RunRecord, key: str) -> list[Point]:
    """(step, value) in order of steps; of two rows of one step the later counts (a resumed run)."""
    found: dict[float, float] = {}
    for row in run.metrics:
        step, value = number(row.get("step")), number(row.get(key))
        if step is not None and value is not None:
            found[step] = value
    return sorted(found.items())

