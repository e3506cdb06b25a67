"""Where the encoders stand: the table of all cells, and what differs from what beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.evaluate.asked import Asked
from vesalius.evaluate.judged import differences, sentences
from vesalius.evaluate.judged.judging import Judged

Cells = Mapping[tuple[str, str], Judged]
"""(encoder, data set) -> what was found."""


def of(
    protocol: str, cells: Cells, asked: Asked, baselines: Sequence[str] | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
    """The protocol's part of ``results.json``, its rows of ``results.csv`` and its verdict. ``baselines``: where the cells are not of the panel."""
    rows = [row for (encoder, data), judged in cells.items() for row in _rows(encoder, data, judged)]
    if baselines is None:
        baselines = [name for name in dict.fromkeys(name for name, _ in cells) if asked.examinee(name).baseline]
    apart, tied, verdict = [], [], []
    for data in dict.fromkeys(data for _, data in cells):
        here = {name: judged for (name, where), judged in cells.items() if where == data}
        metric = next(iter(here.values())).metric
        own = differences.between(data, metric, here, baselines)
        best = [differences.ties(data, name, here, baselines) for name in next(iter(here.values())).values]
        apart += own
        tied += [row for row in best if row is not None]
        verdict += sentences.verdict(protocol, data, metric, here, baselines, own)
    results = {
        "cells": rows,
        "differences": apart,
        "ties": tied,
        "chosen": _each(cells, lambda judged: [judged.measured.facts] if judged.measured.facts else []),
        "curves": _each(cells, lambda judged: judged.measured.curve),
        "pictures": _each(cells, lambda judged: judged.measured.pictures),
        "calibration": _each(cells, lambda judged: [] if judged.calibration is None else [judged.calibration]),
        "subgroups": _each(cells, lambda judged: judged.subgroups),
        "gaps": _each(cells, lambda judged: judged.gaps),
    }
    named = [("cells", rows), *((name, results[name]) for name in ("differences", "subgroups", "gaps"))]
    return results, [{"protocol": protocol, "table": name, **row} for name, several in named for row in several], verdict


def _each(cells: Cells, rows: Any) -> list[dict[str, Any]]:
    return [{"encoder": encoder, "data": data, **row} for (encoder, data), judged in cells.items() for row in rows(judged)]


def _rows(encoder: str, data: str, judged: Judged) -> list[dict[str, Any]]:
    found = []
    for metric, value in judged.values.items():
        low, high = judged.intervals.get(metric, (None, None))
        found.append(
            {
                "encoder": encoder,
                "data": data,
                "metric": metric,
                "primary": metric == judged.metric,
                "value": value.value,
                "low": low,
                "high": high,
                "margin": value.margin,
                "spread": None if value.repeats is None else float(value.repeats.std()),
                "repeats": 1 if value.repeats is None else len(value.repeats),
                "n": judged.n,
                "units": judged.units,
                "unit": judged.unit,
                "interval": None if low is None else judged.method,
            }
        )
    return found
