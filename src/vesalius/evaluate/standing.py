"""Where the encoders stand: the table of all cells, and what differs from what beyond chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vesalius.evaluate.asked import Asked
from vesalius.evaluate.judging import Judged
from vesalius.measures import bootstrap

Cells = Mapping[tuple[str, str], Judged]
"""(encoder, data set) -> what was found."""


def of(protocol: str, cells: Cells, asked: Asked) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
    """The protocol's part of ``results.json``, its rows of ``results.csv`` and its verdict."""
    rows = [row for (encoder, data), judged in cells.items() for row in _rows(encoder, data, judged)]
    chosen = [{"encoder": encoder, "data": data, **judged.measured.facts} for (encoder, data), judged in cells.items() if judged.measured.facts]
    curves = [{"encoder": encoder, "data": data, **row} for (encoder, data), judged in cells.items() for row in judged.measured.curve]
    results = {"cells": rows, "chosen": chosen, "curves": curves}
    return results, [{"protocol": protocol, "table": "cells", **row} for row in rows], []


def _rows(encoder: str, data: str, judged: Judged) -> list[dict[str, Any]]:
    found = []
    for metric, value in judged.values.items():
        low, high = (None, None) if value.replicates is None else bootstrap.interval(value.replicates)
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
            }
        )
    return found
