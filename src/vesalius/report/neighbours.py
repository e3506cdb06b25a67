"""Nearest neighbours: a query and the images nearest to it, for the pretrained encoder and the one it started from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.examples import Examples, item_index
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import records
from vesalius.report.wording import count, share

_QUERIES = 16
_NEAREST = 6
_SIDES = 2  # shown beside each other; further encoders are counted in the sentence
Read = Sequence[tuple[RunRecord, "Examples | str"]]


def section(read: Read) -> Section:
    """A grid for each run."""
    return by_run("neighbours", "Nearest neighbours", [_block(run, examples) for run, examples in read])


def _block(run: RunRecord, examples: Examples | str) -> Block:
    if isinstance(examples, str):
        return Block(run, reason=run.reason("neighbours", examples))
    queries = []
    hits: dict[str, list[int]] = {}
    for row in records(examples.content.get("neighbours")):
        query = item_index(row.get("query"), examples)
        if query is None:
            continue
        sides = []
        for encoder, found in row.items():
            nearest = [item_index(value, examples) for value in found] if isinstance(found, list) else []
            shown = [_shown(examples, item, query) for item in nearest[:_NEAREST] if item is not None]
            if encoder != "query" and shown:
                sides.append({"encoder": encoder, "items": shown})
                tally = hits.setdefault(encoder, [0, 0])
                tally[0] += sum(one["same"] is True for one in shown)
                tally[1] += sum(one["same"] is not None for one in shown)
        if sides:
            queries.append({"query": _shown(examples, query, query), "sides": sides[:_SIDES]})
    if not queries:
        return Block(run, reason=run.reason("neighbours", "The run kept no nearest neighbours."))
    return Block(run, parts={"queries": queries[:_QUERIES], "sentence": _sentence(hits, len(queries))})


def _shown(examples: Examples, item: int, query: int) -> dict[str, Any]:
    label, wanted = examples.items[item].label, examples.items[query].label
    return {
        "picture": examples.thumb(item),
        "alt": examples.describe(item),
        "name": examples.class_name(label),
        "same": None if label is None or wanted is None else label == wanted,
    }


def _sentence(hits: Mapping[str, Sequence[int]], queries: int) -> str:
    said = [
        f"{count(right)} of {count(n)} ({share(right / n)}) with {encoder}" for encoder, (right, n) in hits.items() if n
    ]
    if not said:
        return "The examples carry no class labels, so neighbours are not marked as right or wrong."
    return f"Neighbours of the query's class, over {count(queries)} queries: {'; '.join(said)}."
