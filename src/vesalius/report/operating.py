"""Operating points: thresholds chosen on validation, and what answering yes above them comes to on the test split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, text
from vesalius.report.wording import count, figure, interval, score

_SHOWN = (("sensitivity", "Sensitivity"), ("specificity", "Specificity"), ("ppv", "PPV"), ("npv", "NPV"))
_MOST = 40
_RULES = {"Youden": "both errors weigh alike (Youden)", "half": "the likelier side"}


def section(runs: Sequence[RunRecord]) -> Section:
    """A table for each run: question, rule, threshold, the four shares with their intervals, the four counts."""
    return by_run("operating", "Operating points", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    found = run.rows("operating")
    if not found:
        return Block(run, reason=run.reason("operating", "The run chose no operating point."))
    several = len({text(row.get("question")) for row in found}) > 1
    first = found[0]
    counts = mapping(first.get("counts"))
    positive, total = ((number(counts.get("tp")) or 0) + (number(counts.get("fn")) or 0), sum(number(v) or 0 for v in counts.values()))
    return Block(
        run,
        parts={
            "rows": [_row(row) for row in found[:_MOST]],
            "several": several,
            "more": max(0, len(found) - _MOST),
            "question": text(first.get("question")),
            "positive": count(positive),
            "total": count(total),
            "prevalence": score(positive / total if total else None, "accuracy"),
            "unit": text(first.get("unit")) or "images",
        },
    )


def _row(row: Mapping[str, Any]) -> Mapping[str, Any]:
    measures, counts = mapping(row.get("measures")), mapping(row.get("counts"))
    rule = text(row.get("rule"))
    cells = []
    for key, title in _SHOWN:
        one = mapping(measures.get(key))
        reach = interval(number(one.get("low")), number(one.get("high")), "accuracy")
        cells.append({"title": title, "value": score(number(one.get("value")), "accuracy"), "reach": reach})
    return {
        "question": text(row.get("question")),
        "rule": _RULES.get(rule, f"{rule} on validation" if rule else "–"),
        "threshold": figure(number(row.get("threshold"))),
        "cells": cells,
        "counts": [count(number(counts.get(key))) for key in ("tp", "fn", "fp", "tn")],
    }
