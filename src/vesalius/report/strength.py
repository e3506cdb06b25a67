"""How strong the head is: validation loss at each strength that was tried, the chosen one marked."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vesalius.report.chart import Chart, Line, Mark
from vesalius.report.reading import RunRecord
from vesalius.report.ticks import linear, logarithmic
from vesalius.report.values import number, records
from vesalius.report.wording import figure


def charts(runs: Sequence[RunRecord]) -> list[Chart]:
    """One chart of all runs whose head was solved for; none where there is no such run."""
    lines = []
    for place, run in enumerate(runs):
        pairs = [(number(row.get("c")), number(row.get("val_loss"))) for row in records(run.block("head").get("tried"))]
        points = sorted((c, loss) for c, loss in pairs if c is not None and c > 0 and loss is not None)
        if points:
            lines.append(Line(run.letter or "validation loss", points, colour=f"c{place % 8}", dots=len(points) <= 24))
    if not lines:
        return []
    xs = [x for line in lines for x, _ in line.points]
    least, most = (round(math.log10(v)) for v in (min(xs), max(xs)))
    step = max(1, (most - least) // 4)
    best = [min(line.points, key=lambda point: point[1])[0] for line in lines]
    said = ", ".join(f"{line.name} {figure(c)}" if len(lines) > 1 else figure(c) for line, c in zip(lines, best))
    return [
        Chart(
            "Strength of the head",
            logarithmic(xs, [10.0**k for k in range(least, most + 1, step)], figure),
            linear([y for line in lines for _, y in line.points], count=4, floor=0.0),
            lines,
            f"Validation loss of the head solved for at each strength C; the least is at C = {said}.",
            x_title="strength C",
            marks=[Mark(c, "", "told") for c in best],
            note=f"Validation loss of the head solved for at each strength; dashed: the one taken, C = {said}.",
        )
    ]
