"""The number a run is judged by, whatever it is: its row, and its differences from baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vesalius.report import probes, scores
from vesalius.report.reading import RunRecord
from vesalius.report.values import number, text
from vesalius.report.wording import probe

_BASELINES = ("starting weights", "random init", "pixel PCA", "mean and deviation", "majority")


def headline(run: RunRecord) -> Mapping[str, Any] | None:
    """The row to quote: of the pretrained encoder's first probe, or of the fine-tuned model's first score."""
    return probes.headline(run) or scores.headline(run)


def model(head: Mapping[str, Any]) -> str:
    """What the number of the row ``head`` was measured on, in words."""
    return probe(text(head.get("probe"))) if head.get("probe") else f"fine-tuned, {text(head.get('split'))}"


def gains(run: RunRecord, head: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Differences from baselines in the measure of ``head``, in the order a reader asks for them."""
    own = text(head.get("encoder")) or text(head.get("model"))
    rows = [
        row
        for row in run.rows("differences")
        if text(row.get("a")) == own
        and probes.same(row, head, "metric", "probe")
        and ("model" not in head or probes.same(row, head, "split"))
        and number(row.get("value")) is not None
    ]
    if "model" in head:
        # of a frozen encoder the head is that regression: only guessing is left to be better than
        rows = [row for row in rows if not (run.results.get("frozen") is True and text(row.get("b")) != scores.CONSTANT)]
        return sorted(rows, key=lambda row: text(row.get("b")) == scores.CONSTANT)
    return sorted(rows, key=lambda row: _BASELINES.index(b) if (b := text(row.get("b"))) in _BASELINES else len(_BASELINES))
