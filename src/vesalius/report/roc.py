"""ROC and precision-recall curves of each class against the rest, with the areas under them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.chart import Chart, Line
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import Axis, Tick
from vesalius.report.values import mapping, number, records, text
from vesalius.report.wording import figure

_DRAWN = 8  # of more classes those of the smallest area: they are what one looks for
_LISTED = 40
_LONG = 40  # letters of a name in a legend; the table has all of it
_UNIT = Axis(0.0, 1.0, tuple(Tick(100 * v, figure(v)) for v in (0.0, 0.25, 0.5, 0.75, 1.0)))
_CURVES = (
    ("roc", "ROC", "fpr", "tpr", "auc", "false positive rate"),
    ("pr", "Precision and recall", "recall", "precision", "ap", "recall"),
)


def section(runs: Sequence[RunRecord]) -> Section:
    """Both curves of each run; on shared axes where every run has one of each."""
    id_, title = "roc", "ROC and precision-recall"
    blocks = [_block(run) for run in runs]
    shown = [block for block in blocks if not block.reason]
    if len(runs) > 1 and len(shown) > 1 and all(len(block.parts["found"][0]) == 1 for block in shown):
        charts = [_chart(kind, [(b.run.letter, one) for b in shown for one in b.parts["found"][kind]], None) for kind in (0, 1)]
        joined = Block(runs[0], parts={**shown[0].parts, "charts": charts, "heads": ["Run and class", *_HEADS[1:]], "rows": _rows(shown), "more": 0})
        return by_run(id_, title, [joined])
    return by_run(id_, title, blocks)


_HEADS = ("Class", "Area under ROC", "Average precision")


def _block(run: RunRecord) -> Block:
    found = mapping(run.results.get("curves"))
    both = [_read(found.get(key), x, y, area) for key, _, x, y, area, _ in _CURVES]
    if not any(both):
        return Block(run, reason=run.reason("curves", "The run kept no curves."))
    charts = [_chart(kind, [("", one) for one in curves], _chance(run, kind)) for kind, curves in enumerate(both) if curves]
    block = Block(run, parts={"found": both})
    names = max(map(len, both))
    return Block(
        run,
        parts={
            "found": both,
            "charts": charts,
            "heads": list(_HEADS),
            "rows": _rows([block]) if names > 1 else [],
            "more": names - _DRAWN if names > _DRAWN else 0,
            "split": text(found.get("split")),
        },
    )


def _read(raw: Any, x: str, y: str, area: str) -> list[Mapping[str, Any]]:
    """Name, points and area of each curve that can be drawn."""
    curves: list[Mapping[str, Any]] = []
    for row in records(raw):
        sides: list[list[Any]] = [side if isinstance(side := row.get(key), list) else [] for key in (x, y)]
        points = [(a, b) for a, b in ((number(p), number(q)) for p, q in zip(*sides)) if a is not None and b is not None]
        points = [(min(1.0, max(0.0, a)), min(1.0, max(0.0, b))) for a, b in points]
        if points:
            reach = (number(row.get("low")), number(row.get("high")))
            found = {"name": text(row.get("class")) or "class", "points": points, "area": number(row.get(area)), "reach": reach}
            curves.append({**found, "band": _band(row.get("band"))})
    return curves


def _band(raw: Any) -> list[tuple[float, float, float]]:
    """(x, low, high) of each place where the curve has an interval."""
    rows = [[number(value) for value in row] for row in raw if isinstance(row, list)] if isinstance(raw, list) else []
    return [(row[0], row[1], row[2]) for row in rows if len(row) == 3 and None not in row]  # type: ignore[misc]


def _chart(kind: int, curves: Sequence[tuple[str, Mapping[str, Any]]], chance: float | None) -> Chart:
    _, title, _, _, _, x_title = _CURVES[kind]
    worst = sorted(range(len(curves)), key=lambda i: curves[i][1]["area"] if curves[i][1]["area"] is not None else 2.0)[:_DRAWN]
    lines = []
    for nth, place in enumerate(sorted(worst)):
        letter, one = curves[place]
        said = "" if one["area"] is None else f" {one['area']:.3f}"
        name = letter or (one["name"] if len(one["name"]) <= _LONG else f"{one['name'][: _LONG - 1]}…")
        low, high = one["reach"]
        said += f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else ""
        band = one["band"] if len(worst) == 1 else []
        lines.append(Line(f"{name}{said}", one["points"], colour=f"c{nth % 8}", dash=nth % 3 if len(worst) > 1 else 0, spans=band, band=bool(band)))
    if kind == 0:
        lines.append(Line("by chance", [(0.0, 0.0), (1.0, 1.0)], colour="grey", dash=1))
    elif chance is not None:
        lines.append(Line("by chance", [(0.0, chance), (1.0, chance)], colour="grey", dash=1))
    area = "area under the curve" if kind == 0 else "average precision"
    summary = f"{title} curve. {area.capitalize()}: " + "; ".join(line.name for line in lines if line.colour != "grey") + "."
    y_title = "true positive rate" if kind == 0 else "precision"
    return Chart(title, _UNIT, _UNIT, lines, summary, x_title=x_title, digits="score", note=f"Up: {y_title}. Beside each name: the {area}{_reach(lines)}.")


def _reach(lines: Sequence[Line]) -> str:
    """What the interval and the band of a curve are, where there are some."""
    shown = any(line.name.endswith(")") and " to " in line.name for line in lines)
    return (" with its 95 % interval" + ("; shaded: that of the curve" if any(line.band for line in lines) else "")) if shown else ""


def _chance(run: RunRecord, kind: int) -> float | None:
    """The share of positives of a single curve, from the confusion matrix: the precision of guessing."""
    counts = run.block("confusion").get("counts")
    rows = [[number(v) or 0.0 for v in row] for row in counts if isinstance(row, list)] if isinstance(counts, list) else []
    total = sum(map(sum, rows))
    return sum(rows[1]) / total if kind == 1 and len(rows) == 2 and total > 0 else None


def _rows(blocks: Sequence[Block]) -> list[list[str]]:
    """The areas, class by class."""
    rows = []
    for block in blocks:
        roc, pr = block.parts["found"]
        areas = {one["name"]: one["area"] for one in pr}
        for one in (roc or pr)[:_LISTED]:
            first = one["area"] if roc else None
            said = [f"{v:.3f}" if v is not None else "–" for v in (first, areas.get(one["name"]))]
            rows.append([f"{block.run.letter} · {one['name']}" if len(blocks) > 1 else one["name"], *said])
    return rows
