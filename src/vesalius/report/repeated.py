"""What labels and pretraining are worth to a segmenter: Dice against the number of training volumes, twins beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.chart import Chart, Line
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import linear, logarithmic
from vesalius.report.values import number, records, text
from vesalius.report.wording import PERCENT, count, difference, interval, score, short_score

_LINES = ("fine-tuned", "from random weights", "intensity k-means")
_APART = 1.03  # whiskers at one number of volumes stand beside each other


def section(runs: Sequence[RunRecord]) -> Section:
    """A table, and a chart where there are several numbers of volumes, for each run."""
    return by_run("repeated", "Twins and label efficiency", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    found = run.block("repeated")
    rows, gains = records(found.get("rows")), records(found.get("gains"))
    if not rows:
        return Block(run, reason=run.reason("repeated", "The run repeats no other: it has one seed, one size and no twin."))
    sizes = sorted({number(row.get("volumes")) or 0.0 for row in rows})
    parts = {
        "heads": ["Model", "Volumes", "Dice", "Least to greatest", "Seeds"],
        "rows": [_row(row, "pretrained" if gains else "") for row in rows],
        "gain_heads": ["Training volumes", "Difference", "95 % interval", "± over seeds", "Relative", "Ahead"],
        "gains": [_gain(gain) for gain in gains],
        "chart": _chart(rows, sizes, "pretrained" if gains else "") if len(sizes) > 1 else None,
        "split": text(found.get("split")),
    }
    return Block(run, parts=parts)


def _row(row: Mapping[str, Any], own: str) -> list[str]:
    """``own``: what the fine-tuned model is called beside its twin."""
    spread = number(row.get("spread"))
    value = score(number(row.get("value")), "dice") + (f" ± {score(spread, 'dice')}" if spread is not None else "")
    seeds = row.get("values")
    reach = interval(number(row.get("least")), number(row.get("greatest")), "dice")
    name = text(row.get("model"))
    return [own or name if name == _LINES[0] else name, count(number(row.get("volumes"))), value, reach, count(len(seeds)) if isinstance(seeds, list) else "–"]


def _gain(gain: Mapping[str, Any]) -> list[str]:
    relative, values = number(gain.get("relative")), gain.get("values")
    ahead = [v for v in (values if isinstance(values, list) else []) if (number(v) or 0) > 0]
    return [
        count(number(gain.get("volumes"))),
        difference(number(gain.get("value")), "dice"),
        interval(number(gain.get("low")), number(gain.get("high")), "dice", signed=True),
        score(number(gain.get("spread")), "dice"),
        "–" if relative is None else difference(relative, "accuracy") + PERCENT,
        f"{len(ahead)} of {len(values)} seeds" if isinstance(values, list) else "–",
    ]


def _chart(rows: Sequence[Mapping[str, Any]], sizes: Sequence[float], own: str) -> Chart:
    lines = []
    for nth, name in enumerate(_LINES):
        mine = [row for row in rows if text(row.get("model")) == name and number(row.get("value")) is not None]
        shift = _APART ** (nth - 1)
        points = [((number(row.get("volumes")) or 0.0) * shift, number(row.get("value")) or 0.0) for row in mine]
        ends = [(number(row.get("least")), number(row.get("greatest"))) for row in mine]
        spans = [(x, low, high) for (x, _), (low, high) in zip(points, ends, strict=True) if low is not None and high is not None and high > low]
        if points:
            lines.append(Line(own or name if not nth else name, points, f"c{nth}" if nth < len(_LINES) - 1 else "grey", dash=nth, spans=spans, dots=True))
    ys = [y for line in lines for _, y in line.points] + [v for line in lines for span in line.spans for v in span[1:]]
    said = "; ".join(f"{line.name}: " + ", ".join(f"{score(y, 'dice')} at {count(x)}" for x, y in line.points) for line in lines)
    return Chart(
        title="Mean Dice by number of training volumes",
        x=logarithmic([x for line in lines for x, _ in line.points], sizes, count),
        y=linear(ys, count=4, floor=0.0, ceiling=1.0, show=lambda v: short_score(v, "dice")),
        lines=lines,
        summary=f"Mean Dice by number of training volumes. {said}.",
        x_title="training volumes",
        digits="score",
        group="volumes",
        x_texts=[count(size) for size in sizes],
        note="Whiskers reach from the least to the greatest of the seeds.",
    )
