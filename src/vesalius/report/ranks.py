"""The critical-difference diagram: mean ranks over data sets, and which of them the Nemenyi test does not tell apart (Demšar, JMLR 2006)."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.evaluated import probability
from vesalius.report.grid import protocols
from vesalius.report.probes import Row, Table, Whisker
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import Axis, Tick, round_values
from vesalius.report.values import number, records, text
from vesalius.report.wording import count, figure

_OPEN = 2
"""Diagrams that are shown at once."""


def present(run: RunRecord) -> bool:
    """Whether a protocol of ``run`` was measured on enough data sets to rank encoders."""
    return any(_ranked(run, name) for name in protocols(run.results))


def section(runs: Sequence[RunRecord]) -> Section:
    """A diagram for each protocol."""
    return by_run("ranks", "Critical differences", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    made = [_diagram(name, _ranked(run, name)) for name in protocols(run.results) if _ranked(run, name)]
    if not made:
        return Block(run, reason=run.reason("ranks", "Ranks are compared over at least three data sets."))
    return Block(run, parts={"diagrams": made[:_OPEN], "more": made[_OPEN:]})


def _ranked(run: RunRecord, name: str) -> Mapping[str, Any]:
    """The ranks by a protocol."""
    return next((row for row in records(run.results.get("ranks")) if text(row.get("protocol")) == name and _means(row)), {})


def _means(found: Mapping[str, Any]) -> list[tuple[str, float]]:
    pairs = [(text(row.get("encoder")), number(row.get("rank"))) for row in records(found.get("ranks"))]
    return sorted(((name, rank) for name, rank in pairs if name and rank is not None), key=lambda pair: pair[1])


def _diagram(name: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """A line for each encoder from its mean rank as far as the critical difference: what begins within is not told apart."""
    means = _means(found)
    gap = number(found.get("critical_difference"))
    letters = _letters(means, gap)
    n, p = number(found.get("n")), number(found.get("friedman_p"))
    high = max(len(means), means[-1][1])
    axis = Axis(0.85, high + 0.15)
    axis = Axis(axis.low, axis.high, tuple(Tick(axis.at(v), figure(v)) for v in round_values(1.0, high, min(6, len(means)))))
    rows = []
    for place, (one, rank) in enumerate(means):
        reach = None if gap is None else axis.at(rank + gap)
        whisker = Whisker(axis.at(rank), None if reach is None else axis.at(rank), reach, "c0" if place == 0 else "c7")
        rows.append(Row([one], [f"{rank:.2f}", letters[place]], [whisker], own=place == 0))
    said = [f"over {count(n)} data sets" if n else "", f"Friedman's test: p {_p(p)}" if p is not None else ""]
    note = ", ".join(filter(None, [*said, f"critical difference {figure(gap)}" if gap is not None else ""])).capitalize() + "."
    telling = "" if p is None or p < 0.05 else "Friedman's test does not tell the encoders apart, so neither do the groups."
    return {"table": Table("", name, ["Encoder", "Mean rank", "Groups"], rows, axis, note=note), "telling": telling}


def _p(p: float) -> str:
    shown = probability(p)
    return shown if shown.startswith("<") else f"= {shown}"


def _letters(means: Sequence[tuple[str, float]], gap: float | None) -> list[str]:
    """A letter for each longest stretch of encoders that lie within the critical difference of each other."""
    if gap is None:
        return ["–"] * len(means)
    stretches: list[tuple[int, int]] = []
    for start, (_, rank) in enumerate(means):
        stop = max(at for at, (_, other) in enumerate(means) if other - rank <= gap)
        if not stretches or stop > stretches[-1][1]:
            stretches.append((start, stop))
    names = [string.ascii_lowercase[at % 26] for at in range(len(stretches))]
    return [" ".join(letter for letter, (start, stop) in zip(names, stretches) if start <= place <= stop) for place in range(len(means))]
