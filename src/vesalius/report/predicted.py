"""Quantities: what was predicted against what it is, one dot for an image of the test split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vesalius.report.chart import Chart, Line
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.stored import read_predictions
from vesalius.report.ticks import linear
from vesalius.report.values import text
from vesalius.report.wording import count, figure

_MOST = 2000
_BINS = 15


def section(runs: Sequence[RunRecord]) -> Section:
    """A scatter for each run, and how the errors are distributed."""
    return by_run("predicted", "Predicted against true", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    if text(run.task.get("kind")) != "regression":
        return Block(run, reason="This run predicts classes: see the confusion matrix.")
    split = next((text(row.get("split")) for row in run.rows("scores") if text(row.get("split"))), "test")
    found = read_predictions(run, split)
    if found is None:
        return Block(run, reason=run.reason("predicted", "The run kept no predictions (no predictions.parquet)."))
    pairs = [(t, p) for t, p in zip(found.labels.tolist(), found.answers[:, 0].tolist()) if t == t and p == p]
    pairs = [pair for pair in pairs if all(abs(v) < 1e30 for v in pair)]
    if not pairs:
        return Block(run, reason="No image has both a prediction and a true value.")
    errors = sorted(p - t for t, p in pairs)
    n = len(errors)
    middle, low, high = errors[n // 2], errors[int(0.05 * (n - 1))], errors[int(0.95 * (n - 1))]
    said = (
        f"Over {count(n)} images of the {split} split the prediction is off by {figure(middle)} in the median; nine of ten errors lie "
        f"between {figure(low)} and {figure(high)}."
    )
    return Block(run, parts={"chart": _scatter(pairs), "bars": _histogram(errors), "sentence": said})


def _scatter(pairs: Sequence[tuple[float, float]]) -> Chart:
    shown = [pairs[i * len(pairs) // _MOST] for i in range(_MOST)] if len(pairs) > _MOST else list(pairs)
    axis = linear([v for pair in pairs for v in pair], count=4, pad=0.04)
    ends = [(axis.low, axis.low), (axis.high, axis.high)]
    lines = [Line("images", shown, dots=True, joined=False), Line("as it is", ends, colour="grey", dash=1)]
    note = f"Up: predicted. {count(len(shown))} of {count(len(pairs))} images are drawn." if len(pairs) > _MOST else "Up: predicted."
    summary = f"Scatter of {count(len(pairs))} images: predicted against true."
    return Chart("Each image", axis, axis, lines, summary, x_title="true", note=note)


def _histogram(errors: Sequence[float]) -> dict[str, Any]:
    """Bars of the errors between their outermost hundredths, around zero."""
    n = len(errors)
    reach = max(abs(errors[int(0.01 * (n - 1))]), abs(errors[int(0.99 * (n - 1))])) or 1.0
    counts = [0] * _BINS
    for error in errors:
        counts[min(_BINS - 1, max(0, int((error / reach + 1) / 2 * _BINS)))] += 1
    most = max(counts)
    bars = [{"height": round(100 * c / most, 1), "said": count(c), "at": round(100 * (i + 0.5) / _BINS, 2)} for i, c in enumerate(counts)]
    ends = [figure(-reach), "0", figure(reach)]
    return {"bars": bars, "ends": ends, "width": round(100 / _BINS, 2)}
