"""Subgroups: the score of each encoder for each sex, age band, view, site or scanner, and the widest gap between two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.evaluated import order
from vesalius.report.grid import Found, grid, part, protocols
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import number, records, text
from vesalius.report.wording import MINUS, count, difference, interval, score, title, unit_of_difference

_MOST_GROUPS = 12
_OPEN = 3


def present(run: RunRecord) -> bool:
    """Whether a protocol of ``run`` was judged by groups."""
    return any(records(part(run.results, name).get("subgroups")) for name in protocols(run.results))


def section(runs: Sequence[RunRecord]) -> Section:
    """A table for each protocol, data set and column."""
    return by_run("subgroups", "Subgroups", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    made = [table for name in protocols(run.results) for table in _tables(run, name)]
    if not made:
        return Block(run, reason=run.reason("subgroups", "No column says which group an image belongs to."))
    return Block(run, parts={"tables": made[:_OPEN], "more": made[_OPEN:]})


def _tables(run: RunRecord, name: str) -> list[Mapping[str, Any]]:
    found = part(run.results, name)
    rows, gaps = records(found.get("subgroups")), records(found.get("gaps"))
    keys = list(dict.fromkeys((text(row.get("data")), text(row.get("column")), text(row.get("metric"))) for row in rows))
    return [_table(name, key, [row for row in rows if _is(row, key)], [row for row in gaps if _is(row, key)], order(grid(run.results, name))) for key in keys]


def _is(row: Found, key: tuple[str, str, str]) -> bool:
    return (text(row.get("data")), text(row.get("column")), text(row.get("metric"))) == key


def _table(name: str, key: tuple[str, str, str], rows: Sequence[Found], gaps: Sequence[Found], names: Sequence[str]) -> Mapping[str, Any]:
    data, column, metric = key
    groups = list(dict.fromkeys(text(row.get("group")) for row in rows))
    heads = []
    for group in groups[:_MOST_GROUPS]:
        first = next(row for row in rows if text(row.get("group")) == group)
        heads.append((group, f"{count(number(first.get('n')))} images"))
    unit = unit_of_difference(metric)
    lines = []
    for encoder in [one for one in names if any(text(row.get("encoder")) == one for row in rows)]:
        cells = []
        for group in groups[:_MOST_GROUPS]:
            row = next((r for r in rows if text(r.get("encoder")) == encoder and text(r.get("group")) == group), {})
            low, high = number(row.get("low")), number(row.get("high"))
            cells.append((score(number(row.get("value")), metric), interval(low, high, metric) if low is not None else ""))
        gap = next((row for row in gaps if text(row.get("encoder")) == encoder), {})
        low, high = number(gap.get("low")), number(gap.get("high"))
        between = f"{text(gap.get('most'))} {MINUS} {text(gap.get('least'))}" if gap else ""
        shown = interval(low, high, metric, signed=True) if low is not None else ""
        cells.append((difference(number(gap.get("value")), metric), ", ".join(filter(None, [between, shown]))))
        lines.append((encoder, cells))
    hidden = len(groups) - _MOST_GROUPS
    return {
        "title": f"{name}, {data}: {title(metric)} by {column.removeprefix('meta.').replace('_', ' ')}",
        "heads": [*heads, ("Widest gap", unit)],
        "rows": lines,
        "note": f"{count(hidden)} further groups are in results.json." if hidden > 0 else "",
    }
