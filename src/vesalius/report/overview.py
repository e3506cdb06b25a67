"""An evaluation at a glance: which encoder is best, by how much, whether it is better than none, and every protocol in one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.evaluated import Gap, gaps, mean_rank, order, said_rank
from vesalius.report.grid import Grid, grid, protocols
from vesalius.report.reading import RunRecord
from vesalius.report.wording import (
    count,
    difference,
    interval,
    is_directed,
    listed,
    score,
    title,
    unit_of_difference,
)

_MOST_COLUMNS = 10
_LEADING = ("linear", "knn", "few-shot")
"""Whose score is quoted, of those that were asked for."""
_SAID = {"worse": ("bad", "▼", "Worse than"), "not told apart": ("open", "○", "Not told apart from"), "better": ("good", "▲", "Better than")}
"""The worst goes first."""


def parts(run: RunRecord) -> dict[str, Any]:
    """``sentences``, ``numbers``, ``state`` and ``overview`` of the verdict; empty where no encoder was examined on data."""
    found = [grid(run.results, name) for name in protocols(run.results)]
    scored = [one for one in found if any(is_directed(metric) for metric in one.metric.values())]
    if not scored:
        return {"overview": _overview(found)} if found else {}
    lead = next((one for name in _LEADING for one in scored if one.protocol == name), scored[0])
    best = _best(scored, lead)
    data = _column(lead, best)
    beside = [gap for gap in gaps(run, lead, data, best) if gap.other in lead.baselines]
    said = {"sentences": _first(scored, best), "quoted": f"{lead.protocol} on {data}: "}
    return {**said, "numbers": _numbers(lead, best, beside), "state": _state(beside), "overview": _overview(found)}


def _best(scored: Sequence[Grid], lead: Grid) -> str:
    """What is first in most columns; of equal ones the one first in ``lead``."""
    wins = _wins(scored)
    own = [name for (name, _), cell in lead.cells.items() if cell.best]
    return max(wins, key=lambda name: (wins[name], name in own), default="")


def _wins(scored: Sequence[Grid]) -> Counter[str]:
    return Counter(name for one in scored for (name, _), cell in one.cells.items() if cell.best)


def _first(scored: Sequence[Grid], best: str) -> list[str]:
    """In how many of all columns it is first, where there are several, and in how many nothing ties with it."""
    columns = [(one, data) for one in scored for data in dict.fromkeys(data for _, data in one.cells)]
    if not best or len(columns) < 2 or all(len(one.encoders) < 2 for one in scored):
        return []
    sets = list(dict.fromkeys(data for _, data in columns))
    where = f"on {sets[0]}" if len(sets) == 1 else f"over {count(len(sets))} data sets"
    how = f"by {scored[0].protocol}" if len(scored) == 1 else f"by {count(len(scored))} protocols"
    own = [(one, data) for one, data in columns if (best, data) in one.cells and one.cells[best, data].best]
    alone = sum(len(one.encoders) > 1 and not any(cell.tied for (_, where), cell in one.cells.items() if where == data) for one, data in own)
    told = f"told apart from every other encoder in {count(alone) if alone else 'none'} of them"
    many = "all" if len(own) == len(columns) else f"{count(len(own))} of"
    return [f"{best} is best in {many} {count(len(columns))} comparisons {how} {where}, {told}."]


def _column(lead: Grid, best: str) -> str:
    """The first data set where it leads, else the first where it was measured."""
    own = [data for data in lead.data if (best, data) in lead.cells]
    return next((data for data in own if lead.cells[best, data].best), own[0] if own else "")


def _numbers(lead: Grid, best: str, beside: Sequence[Gap]) -> list[Mapping[str, Any]]:
    data = _column(lead, best)
    if not data:
        return []
    cell, metric = lead.cells[best, data], lead.metric[data]
    reach = f"{data}; 95 %: {interval(cell.low, cell.high, metric)}"
    made: list[Mapping[str, Any]] = [{"value": score(cell.value, metric), "name": f"{title(metric)}, {lead.protocol}: {best}", "more": reach, "lead": True}]
    for gap in beside[:3]:
        name = " ".join(filter(None, [unit_of_difference(metric), f"over {gap.other}"]))
        made.append({"value": difference(gap.value, metric), "name": name, "more": f"95 %: {interval(gap.low, gap.high, metric, signed=True)}"})
    return made


def _state(beside: Sequence[Gap]) -> Mapping[str, str]:
    """Whether training was worth anything: the best beside every baseline, where it is quoted."""
    if not beside or any(gap.reading == "no interval" for gap in beside):
        return {}
    found = {word: [gap.other for gap in beside if gap.reading == word] for word in _SAID}
    for word, (kind, mark, said) in _SAID.items():
        if found[word]:
            return {"kind": kind, "mark": mark, "text": f"{said} {listed(found[word])}"}
    return {}


def _overview(found: Sequence[Grid]) -> Mapping[str, Any]:
    """Encoders by protocols: the score where there are one or two data sets, else the mean rank over them."""
    sets = list(dict.fromkeys(data for one in found for data in one.data))
    ranked = len(sets) > 2
    columns: list[tuple[str, str, Grid, str]] = []
    for one in found:
        directed = [data for data in one.data if is_directed(one.metric[data])]
        if ranked and directed:
            columns.append((one.protocol, "mean rank", one, ""))
        elif not ranked:
            columns += [(one.protocol, " · ".join(filter(None, [data if len(sets) > 1 else "", title(one.metric[data])])), one, data) for data in one.data]
    columns = columns[:_MOST_COLUMNS]
    if not columns:
        return {}
    first = columns[0][2]
    names = [*order(first), *(name for _, _, one, _ in columns for name in one.names)]
    beside = {name for one in found for name in one.baselines}
    names = sorted(dict.fromkeys(names), key=lambda name: name in beside)
    best = {at: min((r for n in names if (r := mean_rank(one, n)) is not None), default=None) for at, (_, _, one, data) in enumerate(columns) if not data}

    def cell(at: int, name: str) -> dict[str, str]:
        _, _, one, data = columns[at]
        if not data:
            rank = mean_rank(one, name)
            return {"value": said_rank(rank), "standing": "best" if rank is not None and rank == best[at] else ""}
        here = one.cells.get((name, data))
        if here is None:
            return {"value": "–", "standing": ""}
        return {"value": score(here.value, one.metric[data]), "standing": "best" if here.best else "tied" if here.tied else ""}

    rows: list[dict[str, Any]] = [{"name": name, "baseline": name in beside, "cells": [cell(at, name) for at in range(len(columns))]} for name in names]
    marked = any(one["standing"] for row in rows for one in row["cells"])
    return {"heads": [(protocol, below) for protocol, below, _, _ in columns], "rows": rows, "ranked": ranked, "sets": sets, "marked": marked}
