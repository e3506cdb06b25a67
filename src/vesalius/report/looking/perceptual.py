"""How far reconstructions are from their originals: a table for each network, and the nearest and farthest pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.grid import Grid, grid, part
from vesalius.report.looking.shown import shown
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import number, records, text, texts
from vesalius.report.wording import count, listed, score, title

_PROTOCOL, _METRIC = "perceptual-distance", "perceptual_distance"
_PAIRS = 4
"""Pairs that are shown, of the nearest and of the farthest."""


def present(run: RunRecord) -> bool:
    """Whether ``run`` has distances of reconstructions."""
    return bool(records(part(run.results, _PROTOCOL).get("cells")))


def section(runs: Sequence[RunRecord], budget: int) -> Section:
    """Tables and pairs of each run; the pictures together within ``budget`` bytes."""
    return by_run(_PROTOCOL, "How far reconstructions are from their images", [_block(run, budget // len(runs)) for run in runs])


def _block(run: RunRecord, budget: int) -> Block:
    if not present(run):
        return Block(run, reason=run.reason(_PROTOCOL, "The evaluation compared no reconstructions: `vesalius evaluate perceptual-distance` does."))
    found = part(run.results, _PROTOCOL)
    metrics = list(dict.fromkeys(text(row.get("metric")) for row in records(found.get("cells"))))
    rows = sorted((row for row in records(found.get("pictures")) if number(row.get(_METRIC)) is not None), key=lambda row: number(row.get(_METRIC)) or 0.0)
    seen = [row for row in rows if text(row.get("image")) and text(row.get("original"))]
    near, far = seen[:_PAIRS], seen[max(_PAIRS, len(seen) - _PAIRS) :]
    each = budget // max(1, 2 * len([*near, *far]))
    sides = [side for row in records(found.get("chosen")) for side in texts(row.get("sizes"))]
    return Block(
        run,
        parts={
            "tables": _tables([grid(run.results, _PROTOCOL, metric) for metric in metrics], metrics),
            "near": [_pair(run, row, each) for row in near],
            "far": [_pair(run, row, each) for row in far],
            "sizes": listed(list(dict.fromkeys(sides))),
            "pairs": count(len(rows)),
            "missing": int(number(found.get("missing")) or 0),
        },
    )


def _tables(grids: Sequence[Grid], metrics: Sequence[str]) -> list[Mapping[str, Any]]:
    """Of one data set a table with a column for each network, of more a table for each network with a column for each data set."""
    first = grids[0]
    if len(first.data) == 1:
        (data,) = first.data
        heads = ["Encoder", *(_head(metric) for metric in metrics)]
        return [{"title": data, "heads": heads, "rows": [[name, *(_value(one, name, data) for one in grids)] for name in first.names]}]
    return [
        {"title": _head(metric), "heads": ["Encoder", *one.data], "rows": [[name, *(_value(one, name, data) for data in one.data)] for name in one.names]}
        for metric, one in zip(metrics, grids, strict=True)
    ]


def _head(metric: str) -> str:
    return title(metric).removeprefix(f"{title(_METRIC)}, ") if "@" in metric else "Mean of the networks"


def _value(found: Grid, name: str, data: str) -> str:
    cell = found.cells.get((name, data))
    return "–" if cell is None else score(cell.value, _METRIC)


def _pair(run: RunRecord, row: Mapping[str, Any], budget: int) -> Mapping[str, Any]:
    layer = text(row.get("layer"))
    return {
        "original": shown(run, text(row.get("original")), budget),
        "made": shown(run, text(row.get("image")), budget),
        "name": f"{text(row.get('encoder'))}{f', {layer}' if layer else ''}",
        "data": text(row.get("data")),
        "id": text(row.get("id"))[:8],
        "distance": score(number(row.get(_METRIC)), _METRIC),
    }
