"""Dice and distances of surfaces, class by class and case by case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.probes import Row, Table, Whisker
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import linear
from vesalius.report.values import mapping, number, records, text, texts
from vesalius.report.wording import count, figure, interval, score, short_score

_MOST = 40
_HEADS = ("Class", "Dice", "95 % interval", "Cases", "Surface Dice", "Hausdorff 95 %", "Mean distance", "k-means")


def section(runs: Sequence[RunRecord]) -> Section:
    """A table of the classes and one of the cases for each run."""
    return by_run("dice", "Dice by class and case", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    found = run.block("segmentation")
    rows = records(found.get("per_class"))
    if not rows:
        return Block(run, reason=run.reason("dice", "The run was not scored: results.json holds no segmentation."))
    cases = records(found.get("cases"))
    classes = texts(found.get("classes"))
    figures = {"on stored voxels": "dice_on_stored_voxels", "by the MONAI tutorial's rule (background counted, mean of running means)": "dice_monai_tutorial"}
    other = [f"{score(value, 'dice')} {said}" for said, key in figures.items() if (value := number(found.get(key))) is not None]
    return Block(
        run,
        parts={
            "table": _classes(rows),
            "heads": ["Case", "Mean", *classes],
            "cases": [_case(case) for case in cases[:_MOST]],
            "hidden": max(0, len(cases) - _MOST),
            "tolerance": figure(number(found.get("tolerance_mm"))),
            "other": "; ".join(other),
        },
    )


def _classes(rows: Sequence[Mapping[str, Any]]) -> Table:
    bounds = [v for row in rows for key in ("value", "low", "high") if (v := number(row.get(key))) is not None]
    axis = linear(bounds or [0.0, 1.0], count=4, pad=0.08, floor=0.0, ceiling=1.0, show=lambda v: short_score(v, "dice"))
    made = []
    for row in rows:
        value, low, high = (number(row.get(key)) for key in ("value", "low", "high"))
        beside = number(mapping(row.get("beside")).get("intensity k-means"))
        numbers = [
            score(value, "dice"),
            interval(low, high, "dice"),
            count(number(row.get("cases"))),
            score(number(row.get("surface_dice")), "dice"),
            *(f"{figure(far)} mm" if (far := number(row.get(key))) is not None else "–" for key in ("hausdorff95", "surface_distance")),
            score(beside, "dice"),
        ]
        ends = None if low is None or high is None else (axis.at(low), axis.at(high))
        whiskers = [] if value is None else [Whisker(axis.at(value), ends and ends[0], ends and ends[1], "c0", "")]
        made.append(Row([text(row.get("class"))], numbers, whiskers))
    return Table("dice", "Classes", list(_HEADS), made, axis, note="Mean over the cases in which a class has a score.")


def _case(case: Mapping[str, Any]) -> list[str]:
    each = case.get("per_class")
    return [text(case.get("id")), score(number(case.get("dice")), "dice"), *(score(number(v), "dice") for v in (each if isinstance(each, list) else []))]
