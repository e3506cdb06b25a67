"""What each protocol of an evaluation found: encoders by data sets, with intervals, controls, what is absent, and differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vesalius.report.grid import Cell, Grid, grid, metrics, part, protocols
from vesalius.report.probes import Difference, Row, Table, Whisker, difference_table
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import Axis, linear
from vesalius.report.values import number, records, text
from vesalius.report.wording import (
    MINUS,
    count,
    interval,
    is_directed,
    is_error,
    is_score,
    score,
    short_score,
    title,
)

_SIDE_BY_SIDE = 2
"""Data sets that are shown with whiskers, one table each; more are columns of one table."""
_NO_ENCODER, _NO_ENCODER_SAID = "control", "without an encoder"
_LEVEL = 0.05


def section(runs: Sequence[RunRecord]) -> Section:
    """A part for each protocol of each run."""
    return by_run("evaluated", "Results", [_block(run) for run in runs])


def order(found: Grid) -> list[str]:
    """Encoders by what they reach on average over ranks, the best first; then the baselines."""
    place = {name: mean if (mean := mean_rank(found, name)) is not None else float("inf") for name in found.names}
    return [*sorted(found.encoders, key=lambda name: place[name]), *sorted(found.baselines, key=lambda name: place[name])]


def mean_rank(found: Grid, name: str) -> float | None:
    """The mean over data sets of the rank of ``name`` among all examined, 1 being the best, equal ones sharing theirs; None unless it
    was measured on each.
    """
    ranks = []
    for data in found.data:
        here = found.cells.get((name, data))
        if here is None:
            return None
        sign = -1.0 if is_error(found.metric[data]) else 1.0
        others = [cell.value for (_, one), cell in found.cells.items() if one == data]
        above, equal = sum(sign * v > sign * here.value for v in others), sum(v == here.value for v in others)
        ranks.append(above + (equal + 1) / 2)
    return sum(ranks) / len(ranks) if ranks else None


def said_rank(rank: float | None) -> str:
    """With one decimal, so that ranks stand below each other."""
    return "–" if rank is None else f"{rank:.1f}"


def _block(run: RunRecord) -> Block:
    names = protocols(run.results)
    if not names:
        return Block(run, reason=run.reason("evaluated", "The evaluation examined no encoder on a data set."))
    return Block(run, parts={"protocols": [_protocol(run, name) for name in names]})


def _protocol(run: RunRecord, name: str) -> Mapping[str, Any]:
    found = grid(run.results, name)
    wide = len(found.data) > _SIDE_BY_SIDE
    return {
        "name": name,
        "rule": text(part(run.results, name).get("rule")),
        "sample": _sample(found),
        "tables": [] if wide else [_whiskers(run, found, data) for data in found.data],
        "wide": _wide(found) if wide else {},
        "absent": _absent(found),
        "differences": _differences(run, found),
        "measures": _measures(run, name, found),
        "notes": ["; ".join(f"{control}: {said}" for control, said in found.notes.items() if said)] if any(found.notes.values()) else [],
        "directed": any(is_directed(metric) for metric in found.metric.values()),
        "tested": found.tested,
    }


def _whiskers(run: RunRecord, found: Grid, data: str) -> Table:
    """One data set: a line for each encoder, baseline and control on a shared axis."""
    metric = found.metric[data]
    lines = [(name, "baseline" if name in found.baselines else "encoder", found.cells.get((name, data))) for name in order(found)]
    lines += [(name, _NO_ENCODER, cells.get(data)) for name, cells in found.controls.items()]
    known = [(name, kind, cell) for name, kind, cell in lines if cell is not None]
    bounds = [v for _, _, cell in known for v in (cell.value, cell.low, cell.high) if v is not None]
    edges = (0.0, 1.0) if is_score(metric) else (None, None)
    axis = linear(bounds or [0.0, 1.0], count=4, pad=0.08, floor=edges[0], ceiling=edges[1], show=lambda v: short_score(v, metric))
    spread = any(cell.margin is not None or cell.spread is not None for _, _, cell in known)
    rows = []
    for name, kind, cell in known:
        word = _NO_ENCODER_SAID if kind == _NO_ENCODER else standing(cell) or _beside(run, found, data, name)
        colour = "c0" if cell.best else "c5" if kind == "encoder" else "grey"
        numbers = [score(cell.value, metric), interval(cell.low, cell.high, metric), *([_spread(cell, metric)] if spread else [])]
        rows.append(Row([name], numbers, [_whisker(axis, cell, colour)], own=cell.best, verdict=word or "–", mark="▲" if cell.best else ""))
    heads = ["Encoder", title(metric), "95 % interval", *(["Spread"] if spread else []), "Reading"]
    return Table(metric, data, heads, rows, axis, note=title(metric))


def standing(cell: Cell) -> str:
    """``best``, ``not told apart`` from it, or nothing."""
    return "best" if cell.best else "not told apart" if cell.tied else ""


def _whisker(axis: Axis, cell: Cell, colour: str) -> Whisker:
    low, high = (None if bound is None else axis.at(bound) for bound in (cell.low, cell.high))
    return Whisker(axis.at(cell.value), low if high is not None else None, high if low is not None else None, colour)


def _spread(cell: Cell, metric: str) -> str:
    """Deviation over the protocol's own draws; of many draws half the interval of their mean."""
    if cell.margin is not None:
        return f"± {score(cell.margin, metric)}"
    return f"{score(cell.spread, metric)} over {count(cell.repeats)}" if cell.spread is not None else "–"


def _wide(found: Grid) -> Mapping[str, Any]:
    """Many data sets: a line for each encoder, a column for each data set, the cell shaded between the least and the greatest of its column."""
    span = {data: [cell.value for (_, one), cell in found.cells.items() if one == data] for data in found.data}

    def line(name: str, kind: str, cells: Sequence[Cell | None], rank: float | None) -> dict[str, Any]:
        return {"name": name, "kind": kind, "rank": said_rank(rank), "cells": [_shown(c, d) for c, d in zip(cells, found.data)]}

    def _shown(cell: Cell | None, data: str) -> dict[str, Any]:
        if cell is None:
            return {"value": "–", "small": "", "standing": "", "s": 0.0}
        low, high, metric = min(span[data]), max(span[data]), found.metric[data]
        share = (cell.value - low) / (high - low) if high > low else 0.0
        share = min(1.0, max(0.0, 1 - share if is_error(metric) else share))
        return {"value": score(cell.value, metric), "small": interval(cell.low, cell.high, metric), "standing": standing(cell), "s": round(share, 2)}

    rows = [
        line(name, "baseline" if name in found.baselines else "encoder", [found.cells.get((name, d)) for d in found.data], mean_rank(found, name))
        for name in order(found)
    ]
    rows += [line(name, _NO_ENCODER, [cells.get(d) for d in found.data], None) for name, cells in found.controls.items()]
    return {"heads": [(data, title(found.metric[data]) if found.metric[data] else "") for data in found.data], "rows": rows}


def _absent(found: Grid) -> list[str]:
    """Why cells are empty, one line for each reason."""
    where: dict[str, list[str]] = {}
    for (name, data), reason in found.reasons.items():
        where.setdefault(reason, []).append(f"{name} on {data}")
    return [f"{', '.join(cells[:6])}{' and others' if len(cells) > 6 else ''}: {reason}" for reason, cells in where.items()]


@dataclass(frozen=True)
class Gap:
    """The encoder that is asked about minus ``other``."""

    other: str
    value: float
    low: float | None
    high: float | None
    p: float | None
    metric: str

    @property
    def reading(self) -> str:
        """``better``, ``worse`` or ``not told apart``, by the corrected p-value where there is one, else by the interval."""
        if self.low is None or self.high is None:
            return "no interval"
        told = self.p < _LEVEL if self.p is not None else not self.low <= 0 <= self.high
        return ("better" if (self.value > 0) is not is_error(self.metric) else "worse") if told else "not told apart"


def gaps(run: RunRecord, found: Grid, data: str, name: str) -> list[Gap]:
    """``name`` minus every other on ``data``, by the measure that it is judged by, whichever way they were written."""
    made = []
    for row in records(part(run.results, found.protocol).get("differences")):
        value, pair = number(row.get("value")), (text(row.get("a")), text(row.get("b")))
        if text(row.get("data")) != data or text(row.get("metric")) != found.metric[data] or value is None or name not in pair:
            continue
        low, high, other = number(row.get("low")), number(row.get("high")), pair[1] if pair[0] == name else pair[0]
        if pair[0] != name:
            value, low, high = -value, None if high is None else -high, None if low is None else -low
        made.append(Gap(other, value, low, high, number(row.get("p_holm")), found.metric[data]))
    return made


def _best(found: Grid, data: str) -> str:
    return next((name for (name, one), cell in found.cells.items() if one == data and cell.best), "")


def _beside(run: RunRecord, found: Grid, data: str, name: str) -> str:
    """How ``name`` stands beside the best encoder, by the paired test."""
    gap = next((gap for gap in gaps(run, found, data, _best(found, data)) if gap.other == name), None)
    return {"better": "behind", "worse": "ahead"}.get(gap.reading, gap.reading) if gap is not None else "–"


def _differences(run: RunRecord, found: Grid) -> list[Table]:
    """On each data set the best encoder minus every other, with the p-value after Holm's correction."""
    tables = []
    for data in found.data:
        best = _best(found, data)
        each = sorted(gaps(run, found, data, best), key=lambda gap: (gap.other in found.baselines, abs(gap.value)))
        entries = [
            Difference((f"{best} {MINUS} {gap.other}", "–" if gap.p is None else probability(gap.p)), gap.value, gap.low, gap.high, gap.metric)
            for gap in each
        ]
        if entries:
            made = difference_table(entries, found.metric[data], words=("Difference", "p by Holm"))
            tables.append(Table(made.metric, f"{data}: {made.title}", made.heads, made.rows, made.axis, made.zero, made.note, made.unit))
    return tables


def probability(p: float) -> str:
    """``0.031``, ``< 0.001``."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _measures(run: RunRecord, name: str, found: Grid) -> list[Mapping[str, Any]]:
    """For each data set every measure of every encoder; those of single transforms have a table of their own."""
    each = {metric: grid(run.results, name, metric) for metric in metrics(run.results, name) if name != "invariance" or "@" not in metric}
    if len(each) < 2:
        return []
    made: list[Mapping[str, Any]] = []
    for data in found.data:
        here = {metric: one for metric, one in each.items() if any(data == where for _, where in one.cells)}
        rows = []
        for encoder in order(found):
            cells = [(metric, one.cells.get((encoder, data))) for metric, one in here.items()]
            rows.append([encoder, *("–" if c is None else f"{score(c.value, m)}\n{interval(c.low, c.high, m)}" for m, c in cells)])
        made.append({"data": data, "heads": ["Encoder", *(title(metric) for metric in here)], "rows": rows})
    return made


def _sample(found: Grid) -> str:
    """What the intervals are over."""
    sizes = {data: cell for (_, data), cell in found.cells.items() if cell.units and cell.low is not None}
    if not sizes:
        return ""
    units = {cell.unit for cell in sizes.values()}
    each = {data: f"{count(cell.n)} images" + (f" of {count(cell.units)} {cell.unit}" if cell.unit != "images" else "") for data, cell in sizes.items()}
    many = f"the {' and '.join(sorted(units))} of each data set"
    over = " and ".join(f"{said} of {data}" if len(each) > 1 else said for data, said in each.items()) if len(each) <= _SIDE_BY_SIDE else many
    whole = " Whole subjects are drawn, not single images." if "subjects" in units else ""
    return f"Intervals are 95 % bootstrap intervals over {over}.{whole}"
