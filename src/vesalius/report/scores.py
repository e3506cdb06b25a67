"""The scores of a fine-tuned model beside a regression on the same features and a constant answer, with differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.probes import Difference, Row, Table, Whisker, difference_table
from vesalius.report.reading import RunRecord
from vesalius.report.section import Section
from vesalius.report.ticks import Axis, linear
from vesalius.report.values import number, text, whole
from vesalius.report.wording import MINUS, count, figure, interval, is_error, is_score, score, short_score, title

OWN, CONSTANT = "fine-tuned", "majority"
_SPLITS = {"val": "validation"}


def section(runs: Sequence[RunRecord]) -> Section:
    """Tables of values by metric, the task's own first, and of paired differences within each run."""
    id_, title_ = "scores", "Scores"
    metrics = list(dict.fromkeys(text(row.get("metric")) for run in runs for row in rows(run)))
    if not metrics:
        return Section(id_, title_, reason=runs[0].reason(id_, "The run was not scored: results.json holds no scores."))
    parts = {
        "tables": [_values(metric, runs) for metric in metrics],
        "differences": [table for run in runs for table in _differences(run)],
        "rules": list(dict.fromkeys(said for run in runs if (said := text(run.results.get("rule"))))),
        "sample": _sample(runs),
    }
    return Section(id_, title_, parts=parts)


def rows(run: RunRecord) -> list[Mapping[str, Any]]:
    """The scores that have a value."""
    return [row for row in run.rows("scores") if number(row.get("value")) is not None and text(row.get("metric"))]


def headline(run: RunRecord) -> Mapping[str, Any] | None:
    """The fine-tuned model's first score: in the task's measure, on the test split."""
    return next((row for row in rows(run) if text(row.get("model")) == OWN), None)


def _values(metric: str, runs: Sequence[RunRecord]) -> Table:
    found = [(run, row) for run in runs for row in rows(run) if text(row.get("metric")) == metric]
    axis = _axis(metric, [row for _, row in found])
    keys = list(dict.fromkeys((text(row.get("split")), text(row.get("model"))) for _, row in found))
    keys.sort(key=lambda key: key[0] != "test")
    several = len(runs) > 1
    made = []
    for split, model in keys:
        numbers: list[str] = []
        whiskers: list[Whisker] = []
        for place, run in enumerate(runs):
            here = [row for owner, row in found if owner is run and (text(row.get("split")), text(row.get("model"))) == (split, model)]
            shown = _shown(here[0], metric) if here else ["–", "–"]
            numbers += ["\n".join(shown)] if several else shown
            colour = (f"c{place % 8}" if several else "c0") if model == OWN else "grey"
            whiskers += _whiskers(axis, here[0], colour, run.letter) if here else []
            if not several and here:
                numbers.append(" ".join(filter(None, [count(number(here[0].get("n"))), text(here[0].get("unit"))])))
        made.append(Row([model, _SPLITS.get(split, split)], numbers, whiskers, own=model == OWN))
    seeds = any(isinstance(row.get("values"), list) for _, row in found)
    one = [title(metric), "Least to greatest" if seeds else "95 % interval", "Counted"]
    note = "Less is better." if is_error(metric) else ""
    return Table(metric, title(metric), ["Model", "Split", *([run.label for run in runs] if several else one)], made, axis, note=note)


def _shown(row: Mapping[str, Any], metric: str) -> list[str]:
    """The value, with its deviation where it is a mean; the interval."""
    spread = number(row.get("spread"))
    value = score(number(row.get("value")), metric)
    if spread is not None:
        value = f"{value} ± {score(spread, metric)}"
    return [value, interval(number(row.get("low")), number(row.get("high")), metric)]


def _axis(metric: str, found: Sequence[Mapping[str, Any]]) -> Axis:
    bounds = [v for row in found for v in (number(row.get(k)) for k in ("value", "low", "high")) if v is not None]
    edges = (0.0, 1.0) if is_score(metric) else (None, None)
    return linear(bounds, count=4, pad=0.08, floor=edges[0], ceiling=edges[1], show=lambda v: short_score(v, metric))


def _whiskers(axis: Axis, row: Mapping[str, Any], colour: str, letter: str) -> list[Whisker]:
    value, low, high = (number(row.get(key)) for key in ("value", "low", "high"))
    assert value is not None
    if low is None or high is None:
        return [Whisker(axis.at(value), None, None, colour, letter)]
    return [Whisker(axis.at(value), axis.at(min(low, high)), axis.at(max(low, high)), colour, letter)]


def _differences(run: RunRecord) -> list[Table]:
    """Of the split the run is judged on."""
    head = headline(run)
    split = text(head.get("split")) if head else ""
    found = [row for row in run.rows("differences") if number(row.get("value")) is not None and text(row.get("split")) == split]
    tables = []
    for metric in dict.fromkeys(text(row.get("metric")) for row in found if text(row.get("metric"))):
        entries = [
            Difference(
                words=(f"{text(row.get('a'))} {MINUS} {text(row.get('b'))}",),
                value=number(row.get("value")) or 0.0,
                low=number(row.get("low")),
                high=number(row.get("high")),
                metric=metric,
            )
            for row in found
            if text(row.get("metric")) == metric
        ]
        tables.append(difference_table(entries, metric, f"{run.label}: " if run.letter else "", words=("Difference",)))
    return tables


def _sample(runs: Sequence[RunRecord]) -> str:
    """How large the sample behind the intervals is, and what was drawn again for them."""
    row = next((row for run in runs for row in rows(run) if whole(row.get("n"))), None)
    if row is None:
        return ""
    n, unit = figure(number(row.get("n"))), text(row.get("unit")) or "images"
    if unit == "seeds":
        if row is not None and number(row.get("n")) == 1:
            return "One seed: how far another would be from it is not known."
        return f"Mean and standard deviation over {n} seeds, each a whole run; the whiskers reach from the least to the greatest."
    drawn = "whole subjects are drawn, not single images" if unit == "subjects" else "images are drawn again"
    return f"Intervals are 95 % bootstrap intervals over {count(number(row.get('n')))} {unit} of the {text(row.get('split'))} split: {drawn}."
