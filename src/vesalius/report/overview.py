"""An evaluation at a glance: which encoder is best, by how much, whether it is better than none, and every protocol in one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.evaluated import mean_rank, order, said_rank
from vesalius.report.grid import Grid, grid, part, protocols
from vesalius.report.reading import RunRecord
from vesalius.report.values import number, records, text
from vesalius.report.wording import (
    count,
    difference,
    interval,
    is_directed,
    is_error,
    score,
    title,
    unit_of_difference,
)

_MOST_COLUMNS = 10
_LEADING = ("linear", "knn", "few-shot")
"""Whose score is quoted, of those that were asked for."""


def parts(run: RunRecord) -> dict[str, Any]:
    """``sentences``, ``numbers``, ``state`` and ``overview`` of the verdict; empty where no encoder was examined on data."""
    found = [grid(run.results, name) for name in protocols(run.results)]
    scored = [one for one in found if any(is_directed(metric) for metric in one.metric.values())]
    if not scored:
        return {"overview": _overview(found)} if found else {}
    lead = next((one for name in _LEADING for one in scored if one.protocol == name), scored[0])
    best = _best(scored, lead)
    gaps = [_gap(run, lead, best, other) for other in lead.baselines if best and best != other]
    known = [gap for gap in gaps if gap]
    return {
        "sentences": [said for said in (_first(scored, best), _quoted(lead, best), *_apart(lead, best)) if said],
        "numbers": _numbers(lead, best, known),
        "state": _state(lead, best, known),
        "overview": _overview(found),
    }


def _best(scored: Sequence[Grid], lead: Grid) -> str:
    """What is first in most columns; of equal ones the one first in ``lead``."""
    wins = _wins(scored)
    own = [name for (name, _), cell in lead.cells.items() if cell.best]
    return max(wins, key=lambda name: (wins[name], name in own), default="")


def _wins(scored: Sequence[Grid]) -> Counter[str]:
    return Counter(name for one in scored for (name, _), cell in one.cells.items() if cell.best)


def _first(scored: Sequence[Grid], best: str) -> str:
    """In how many of all columns it is first."""
    if not best:
        return ""
    columns = sum(len({data for _, data in one.cells}) for one in scored)
    sets = list(dict.fromkeys(data for one in scored for data in one.data))
    where = f"on {sets[0]}" if len(sets) == 1 else f"over {count(len(sets))} data sets"
    how = f"by {scored[0].protocol}" if len(scored) == 1 else f"by {count(len(scored))} protocols"
    if columns == 1:
        return f"{best} is best {how} {where}."
    wins = _wins(scored)[best]
    shared = sum(one.cells[best, data].tied for one in scored for data in one.data if (best, data) in one.cells)
    also = f", and not told apart from the best in {count(shared)} more" if shared else ""
    many = "all" if wins == columns else f"{count(wins)} of"
    return f"{best} is best in {many} {count(columns)} comparisons {how} {where}{also}."


def _quoted(lead: Grid, best: str) -> str:
    data = _column(lead, best)
    if not data:
        return ""
    cell, metric = lead.cells[best, data], lead.metric[data]
    return f"By {lead.protocol} on {data}: {title(metric)} {score(cell.value, metric)} ({interval(cell.low, cell.high, metric)})."


def _apart(lead: Grid, best: str) -> list[str]:
    """What ties with it there."""
    data = _column(lead, best)
    tied = [name for (name, one), cell in lead.cells.items() if one == data and cell.tied and name != best]
    return [f"Not told apart from it there by the paired test: {', '.join(tied)}."] if tied and lead.cells[best, data].best else []


def _column(lead: Grid, best: str) -> str:
    """The first data set where it leads, else the first where it was measured."""
    own = [data for data in lead.data if (best, data) in lead.cells]
    return next((data for data in own if lead.cells[best, data].best), own[0] if own else "")


def _gap(run: RunRecord, lead: Grid, best: str, other: str) -> Mapping[str, Any]:
    """``best`` minus ``other`` in the column that is quoted."""
    data = _column(lead, best)
    for row in records(part(run.results, lead.protocol).get("differences")):
        pair, value = (text(row.get("a")), text(row.get("b"))), number(row.get("value"))
        if set(pair) != {best, other} or text(row.get("data")) != data or text(row.get("metric")) != lead.metric[data] or value is None:
            continue
        low, high = number(row.get("low")), number(row.get("high"))
        if pair[0] == other:
            value, low, high = -value, None if high is None else -high, None if low is None else -low
        return {"other": other, "value": value, "low": low, "high": high, "metric": lead.metric[data]}
    return {}


def _numbers(lead: Grid, best: str, gaps: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    data = _column(lead, best)
    if not data:
        return []
    cell, metric = lead.cells[best, data], lead.metric[data]
    reach = f"{data}; 95 %: {interval(cell.low, cell.high, metric)}"
    made: list[Mapping[str, Any]] = [{"value": score(cell.value, metric), "name": f"{title(metric)}, {lead.protocol}: {best}", "more": reach, "lead": True}]
    for gap in gaps[:3]:
        name = " ".join(filter(None, [unit_of_difference(metric), f"over {gap['other']}"]))
        made.append({"value": difference(gap["value"], metric), "name": name, "more": f"95 %: {interval(gap['low'], gap['high'], metric, signed=True)}"})
    return made


def _state(lead: Grid, best: str, gaps: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """Whether training was worth anything: the best beside every baseline."""
    if best in lead.baselines:
        return {"kind": "bad", "mark": "▼", "text": f"No encoder is better than {best}"}
    if not gaps or any(gap["low"] is None or gap["high"] is None for gap in gaps):
        return {}
    ahead = {gap["other"]: (gap["high"] < 0 if is_error(gap["metric"]) else gap["low"] > 0) for gap in gaps}
    if all(ahead.values()):
        return {"kind": "good", "mark": "▲", "text": f"Better than {' and '.join(ahead)}"}
    return {"kind": "open", "mark": "○", "text": f"Not told apart from {' and '.join(name for name, told in ahead.items() if not told)}"}


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

    rows = [{"name": name, "baseline": name in beside, "cells": [cell(at, name) for at in range(len(columns))]} for name in names]
    return {"heads": [(protocol, below) for protocol, below, _, _ in columns], "rows": rows, "ranked": ranked, "sets": sets}
