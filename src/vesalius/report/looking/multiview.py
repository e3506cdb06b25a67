"""Whether encoders know two views of one thing: pairs beside what is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.grid import Grid, grid, metrics, part
from vesalius.report.looking.invariance import estimates, theirs
from vesalius.report.probes import Row, Table, Whisker
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import Axis, linear
from vesalius.report.values import number, records, text, texts
from vesalius.report.wording import count, figure, interval, score, title

_PROTOCOL = "multiview-invariance"
_PAIRED, _BESIDE, _TOLD = "whitened_cosine", "unpaired_cosine", "pairing_auc"
_OTHERS = ("mahalanobis", "centred_cosine", "neighbours_kept")


def present(run: RunRecord) -> bool:
    """Whether ``run`` compared pairs of views."""
    return bool(records(part(run.results, _PROTOCOL).get("cells")))


def section(runs: Sequence[RunRecord]) -> Section:
    """A table for each data set of each run."""
    return by_run(_PROTOCOL, "Two views of one thing", [_block(run) for run in runs])


def _block(run: RunRecord) -> Block:
    if not present(run):
        return Block(run, reason=run.reason(_PROTOCOL, "The evaluation compared no views: `vesalius evaluate multiview-invariance` does."))
    found = part(run.results, _PROTOCOL)
    each = {metric: grid(run.results, _PROTOCOL, metric) for metric in metrics(run.results, _PROTOCOL)}
    told = {text(row.get("data")): row for row in records(found.get("chosen"))}
    parts = {
        "sets": [{"name": data, "said": _said(told.get(data, {})), "table": _table(each, data)} for data in each[_PAIRED].data if data in told],
        "others": [_other(each, data) for data in each[_PAIRED].data] if all(metric in each for metric in _OTHERS) else [],
        "beside": _BESIDE in each,
        "theirs": theirs(run),
        "heads": ["Encoder", "Data", "Images", "Dimensions", "Directions", "Condition", "Held-out length"],
        "estimates": estimates(found),
        "absent": [f"{name} on {data}: {reason}" for (name, data), reason in each[_PAIRED].reasons.items()],
    }
    return Block(run, parts=parts)


def _said(about: Mapping[str, Any]) -> str:
    """What the pairs are."""
    views, by = texts(about.get("views")), text(about.get("pair")).removeprefix("meta.")
    of = f"{' and '.join(views)} of one {by}" if views else f"two images of one {by}"
    alone = number(about.get("without_partner")) or 0
    return f"{count(number(about.get('pairs')))} pairs, {of}" + (f"; {count(alone)} without a partner are left out." if alone else ".")


def _table(each: Mapping[str, Grid], data: str) -> Table:
    """The pairs' similarity and that of what is no pair on one axis, and the AUC between them."""
    known = {metric: each[metric].cells for metric in (_PAIRED, _BESIDE, _TOLD) if metric in each}
    names = [name for name in each[_PAIRED].names if (name, data) in known[_PAIRED]]
    shown = [cells[name, data] for metric, cells in known.items() if metric != _TOLD for name in names if (name, data) in cells]
    axis = linear([v for cell in shown for v in (cell.value, cell.low, cell.high) if v is not None], count=4, pad=0.08)
    rows = []
    for name in names:
        numbers, whiskers = [], []
        for metric, cells in known.items():
            cell = cells.get((name, data))
            numbers.append("–" if cell is None else f"{figure(cell.value)}\n{interval(cell.low, cell.high, metric)}")
            if cell is not None and metric != _TOLD:
                whiskers.append(_whisker(axis, cell.value, cell.low, cell.high, "c0" if metric == _PAIRED else "grey"))
        rows.append(Row([name], numbers, whiskers))
    heads = ["Encoder", *("Pairs" if metric == _PAIRED else "No pairs" if metric == _BESIDE else "AUC" for metric in known)]
    return Table(_PAIRED, data, heads, rows, axis, note=title(_PAIRED))


def _whisker(axis: Axis, value: float, low: float | None, high: float | None, colour: str) -> Whisker:
    return Whisker(axis.at(value), None if low is None else axis.at(low), None if high is None else axis.at(high), colour)


def _other(each: Mapping[str, Grid], data: str) -> Mapping[str, Any]:
    rows = []
    for name in each[_PAIRED].names:
        cells = [(metric, each[metric].cells.get((name, data))) for metric in _OTHERS]
        rows.append([name, *("–" if cell is None else f"{score(cell.value, m)} ({interval(cell.low, cell.high, m)})" for m, cell in cells)])
    return {"name": data, "heads": ["Encoder", *map(title, _OTHERS)], "rows": rows}
