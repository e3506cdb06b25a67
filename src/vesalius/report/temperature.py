"""Calibration of each encoder's probe before and after one temperature, which is fitted on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.evaluated import order
from vesalius.report.grid import Found, grid, part, protocols
from vesalius.report.probes import Row, Table, Whisker
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import linear
from vesalius.report.values import number, records, text
from vesalius.report.wording import figure, score, short_score, title

_MEASURES = ("ece", "ace", "brier", "nll")
_MOST = 6


def present(run: RunRecord) -> bool:
    """Whether a protocol of ``run`` gave probabilities that were calibrated."""
    return any(records(part(run.results, name).get("calibration")) for name in protocols(run.results))


def section(runs: Sequence[RunRecord]) -> Section:
    """A table for each protocol and data set."""
    return by_run("temperature", "Calibration", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    made = []
    for name in protocols(run.results):
        rows = records(part(run.results, name).get("calibration"))
        names = order(grid(run.results, name))
        made += [_table(name, data, [row for row in rows if text(row.get("data")) == data], names) for data in dict.fromkeys(text(r.get("data")) for r in rows)]
    if not made:
        return Block(run, reason=run.reason("temperature", "No protocol gave probabilities for validation and test."))
    return Block(run, parts={"tables": made[:_MOST], "more": made[_MOST:]})


def _table(name: str, data: str, rows: Sequence[Found], names: Sequence[str]) -> Table:
    """Two dots for each encoder: its calibration error before (grey) and after; other measures in numbers."""
    known = [key for key in _MEASURES if any(number(row.get(key)) is not None for row in rows)]
    first = known[0] if known else "ece"
    bounds = [v for row in rows for v in (number(row.get(first)), number(row.get(f"{first}_calibrated"))) if v is not None]
    show = "accuracy" if first in ("ece", "ace") else first
    axis = linear([0.0, *bounds, 0.01], count=3, floor=0.0, show=lambda v: short_score(v, show))
    made = []
    for encoder in sorted((text(row.get("encoder")) for row in rows), key=lambda one: names.index(one) if one in names else len(names)):
        row = next(r for r in rows if text(r.get("encoder")) == encoder)
        dots = []
        for key, colour in ((first, "grey"), (f"{first}_calibrated", "c0")):
            value = number(row.get(key))
            if value is not None:
                dots.append(Whisker(axis.at(value), None, None, colour))
        numbers = [figure(number(row.get("temperature"))), *(_change(row, key) for key in known)]
        made.append(Row([encoder], numbers, dots))
    heads = ["Encoder", "Temperature", *(title(key) for key in known)]
    return Table(first, f"{name}, {data}", heads, made, axis, note=f"{title(first)}: grey before, coloured after")


def _change(row: Mapping[str, Any], key: str) -> str:
    show = "accuracy" if key in ("ece", "ace") else key
    before, after = number(row.get(key)), number(row.get(f"{key}_calibrated"))
    return score(before, show) if after is None else f"{score(before, show)} → {score(after, show)}"
