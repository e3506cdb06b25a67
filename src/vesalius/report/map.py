"""The map of the embedding: every example at its place in two dimensions, with its thumbnail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vesalius.report.examples import Examples
from vesalius.report.pictures import data_uri
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import text
from vesalius.report.wording import count

_MOST = 12_000
_CLASSES = 45  # nine colours times five shapes; classes beyond share one


def section(read: Sequence[tuple[RunRecord, Examples | str]], budget: int) -> Section:
    """A map for each run; the sprites together take at most ``budget`` bytes."""
    share = budget // max(1, len(read))
    return by_run(
        "map", "Map of the embedding", [_block(run, examples, share, n) for n, (run, examples) in enumerate(read)]
    )


def _block(run: RunRecord, examples: Examples | str, budget: int, place: int) -> Block:
    if isinstance(examples, str):
        return Block(run, reason=run.reason("map", examples))
    placed = [(number, item) for number, item in enumerate(examples.items) if item.xy is not None][:_MOST]
    if len(placed) < 3:
        return Block(run, reason=run.reason("map", "The run made no two-dimensional map of its examples."))
    sprite, factor = data_uri(examples.sprite, budget)
    labels = sorted({item.label for _, item in placed if item.label is not None})
    groups = [
        {"label": label, "name": examples.class_name(label), "count": count(sum(i.label == label for _, i in placed))}
        for label in labels[:_CLASSES]
    ]
    unknown = sum(item.label is None for _, item in placed)
    if unknown:
        groups.append({"label": -1, "name": "unlabelled", "count": count(unknown)})
    rest = sum(item.label in labels[_CLASSES:] for _, item in placed) if len(labels) > _CLASSES else 0
    if rest:
        groups.append({"label": -2, "name": f"{len(labels) - _CLASSES} further classes", "count": count(rest)})
    known = set(labels[:_CLASSES])
    data: dict[str, Any] = {
        "tile": examples.tile * factor,
        "columns": examples.columns,
        "groups": [{"label": group["label"], "name": group["name"]} for group in groups],
        "names": list(examples.classes),
        "items": [
            [
                number,
                float(f"{item.xy[0]:.5g}") if item.xy else 0.0,
                float(f"{item.xy[1]:.5g}") if item.xy else 0.0,
                -1 if item.label is None else item.label if item.label in known else -2,
                examples.class_name(item.label),
                item.id[:16],
                item.subject,
                None if item.prediction is None else examples.class_name(item.prediction),
                item.confidence if item.confidence is None else round(item.confidence, 3),
            ]
            for number, item in placed
        ],
    }
    parts = {
        "number": place,
        "sprite": sprite,
        "data": json.dumps(data),
        "groups": groups,
        "method": text(examples.content.get("map_method")),
        "count": count(len(placed)),
        "left": count(len(examples.items) - len(placed)) if len(placed) < len(examples.items) else "",
    }
    return Block(run, parts=parts)
