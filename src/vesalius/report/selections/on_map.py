"""The map of the embeddings with the selection drawn on it: filtered by class, by what is selected, and by search."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from vesalius.report.examples import Examples
from vesalius.report.pictures import data_uri
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import number, records, text, whole
from vesalius.report.wording import count

_CLASSES = 45


def section(read: Sequence[tuple[RunRecord, Examples | str]], budget: int) -> Section:
    """A map for each run; the sprites together take at most ``budget`` bytes."""
    share = budget // max(1, len(read))
    return by_run("selection-map", "Map of the embeddings", [_block(run, found, share, n) for n, (run, found) in enumerate(read)])


def _block(run: RunRecord, examples: Examples | str, budget: int, place: int) -> Block:
    if isinstance(examples, str):
        return Block(run, reason=run.reason("selection-map", examples))
    rows = records(examples.content.get("items"))
    placed = [(n, item, rows[n]) for n, item in enumerate(examples.items) if item.xy is not None and n < len(rows)]
    if len(placed) < 3:
        return Block(run, reason=run.reason("selection-map", "The run made no two-dimensional map of its images."))
    sprite, factor = data_uri(examples.sprite, budget)
    names = [text(row.get("name")) for _, _, row in placed]
    often = [name for name, _ in Counter(name for name in names if name).most_common()]
    label = {name: number for number, name in enumerate(often[:_CLASSES])}
    groups: list[dict[str, Any]] = [{"label": number, "name": name, "count": count(names.count(name))} for name, number in label.items()]
    if "" in names:
        groups.append({"label": -1, "name": "unlabelled" if label else "images", "count": count(names.count(""))})
    if len(often) > _CLASSES:
        rest = sum(name in often[_CLASSES:] for name in names)
        groups.append({"label": -2, "name": f"{len(often) - _CLASSES} further classes", "count": count(rest)})
    items = []
    for (n, item, row), name in zip(placed, names):
        x, y = item.xy or (0.0, 0.0)
        order = 0 if row.get("before") is True else whole(row.get("order"))
        where = label.get(name, -2 if name else -1)
        items.append([n, float(f"{x:.5g}"), float(f"{y:.5g}"), where, name or "unlabelled", item.id[:16], item.subject, None, None, order])
    selected = sum(item[-1] is not None for item in items)
    data = {
        "tile": examples.tile * factor,
        "columns": examples.columns,
        "selection": True,
        "groups": [{"label": group["label"], "name": group["name"]} for group in groups],
        "items": items,
    }
    pool = number(run.results.get("pool")) or len(items)
    parts = {
        "number": place,
        "sprite": sprite,
        "data": json.dumps(data),
        "groups": groups,
        "method": text(run.results.get("map_method")),
        "count": count(len(items)),
        "selected": count(selected),
        "others": count(len(items) - selected),
        "left": count(pool - len(items)) if pool > len(items) else "",
    }
    return Block(run, parts=parts)
