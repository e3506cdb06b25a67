"""The probe on the selection beside probes on random ones of equal size: a curve over the number of labels, and the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.chart import Chart, Line
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import linear, logarithmic
from vesalius.report.values import number, records, text
from vesalius.report.wording import count, difference, figure, interval, is_percent, is_score, score, short_score, title

_APART = 1.02


def section(runs: Sequence[RunRecord]) -> Section:
    """A chart and a table for each measure of each run."""
    return by_run("selection-probe", "A probe on the selected", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    found = run.block("probe")
    rows = [row for row in records(found.get("rows")) if all(number(row.get(key)) is not None for key in ("value", "random", "labels"))]
    if not rows:
        return Block(run, reason=text(found.get("absent")) or run.reason("selection-probe", "The images have no labels to train a probe with."))
    metrics = list(dict.fromkeys(text(row.get("metric")) for row in rows))
    each = [[row for row in rows if text(row.get("metric")) == metric] for metric in metrics]
    told = (
        f"A linear probe ({text(found.get('task'))}) on the first selected images in the order of choice, and on "
        f"{count(number(rows[0].get('seeds')))} random selections of equal size, tested on {text(found.get('tested_on'))}."
    )
    note = (
        f"Intervals of 95 %: test {'images' if rows[0].get('n') == rows[0].get('units') else 'units'} are drawn again, of random selections too which. "
        f"C is {figure(number(found.get('strength')))} for every probe: so few labels leave none to choose it by."
    )
    charts = [_chart(metric, one) for metric, one in zip(metrics, each) if len(one) > 1]
    return Block(run, parts={"told": told, "note": note, "charts": charts, "tables": [_table(metric, one) for metric, one in zip(metrics, each)]})


def _table(metric: str, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    lines = []
    for row in rows:
        v = {key: number(row.get(key)) for key in ("value", "low", "high", "random", "least", "greatest", "difference", "difference_low", "difference_high")}
        low, high = v["difference_low"], v["difference_high"]
        word = "no interval" if low is None or high is None else "better" if low > 0 else "worse" if high < 0 else "not told apart"
        lines.append(
            {
                "labels": count(number(row.get("labels"))),
                "cells": [
                    f"{score(v['value'], metric)}\n{interval(v['low'], v['high'], metric)}",
                    f"{score(v['random'], metric)}\n{score(v['least'], metric)} to {score(v['greatest'], metric)}",
                    f"{difference(v['difference'], metric)}\n{interval(low, high, metric, signed=True)}",
                ],
                "word": word,
                "mark": {"better": "▲", "worse": "▼"}.get(word, "○"),
            }
        )
    unit = " in points" if is_percent(metric) else ""
    return {"title": title(metric), "heads": ["Labels", "Selected", "Random, least to greatest", f"Difference{unit}", "Reading"], "rows": lines}


def _chart(metric: str, rows: Sequence[Mapping[str, Any]]) -> Chart:
    sizes = [number(row.get("labels")) or 1.0 for row in rows]
    lines = []
    for name, key, bounds, colour, shift in (
        ("selected", "value", ("low", "high"), "c0", _APART),
        ("random", "random", ("least", "greatest"), "grey", 1 / _APART),
    ):
        points = [(n * shift, number(row.get(key)) or 0.0) for n, row in zip(sizes, rows)]
        spans = [(x, number(row.get(bounds[0])) or 0.0, number(row.get(bounds[1])) or 0.0) for (x, _), row in zip(points, rows)]
        lines.append(Line(name, points, colour, dash=int(colour == "grey"), spans=spans, dots=True))
    ys = [v for line in lines for _, y in line.points for v in (y,)] + [v for line in lines for span in line.spans for v in span[1:]]
    ends = (0.0, 1.0) if is_score(metric) else (None, None)
    return Chart(
        title(metric),
        logarithmic([x for line in lines for x, _ in line.points], sizes, count),
        linear(ys, count=4, show=lambda v: short_score(v, metric), floor=ends[0], ceiling=ends[1]),
        lines,
        f"{title(metric)} of a probe on the selected and on random images, by the number of labels.",
        x_title="labels",
        digits="percent" if is_percent(metric) else "score" if is_score(metric) else "",
        group="selection-probe",
        note="Whiskers: selected 95 %, random least to greatest.",
        x_texts=[count(n) for n in sizes],
    )
