"""What was selected, as pictures in the order of choice, each with what speaks for it; and pairs and outliers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.report.examples import Examples, item_index
from vesalius.report.pictures import data_uri
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.values import mapping, number, records, text
from vesalius.report.wording import count, figure

_FIRST = 35
_THUMB = 24_000
Read = Sequence[tuple[RunRecord, "Examples | str"]]


class Thumbs:
    """Pictures of a run's ``selected/`` as ``data:`` addresses, of at most ``most`` bytes together."""

    def __init__(self, examples: Examples | str, most: int) -> None:
        self._from = examples if isinstance(examples, Examples) else None
        self._each = min(_THUMB, most // max(1, len(self._from.items))) if self._from else 0
        self._made: dict[int, str] = {}

    def of(self, value: Any) -> str:
        """The picture of item ``value``, empty where there is none."""
        item = None if self._from is None else item_index(value, self._from)
        if self._from is None or item is None:
            return ""
        if item not in self._made:
            side, columns = self._from.tile, self._from.columns
            top, left = item // columns * side, item % columns * side
            self._made[item] = data_uri(self._from.sprite.crop((left, top, left + side, top + side)), self._each)[0]
        return self._made[item]


def section(read: Read, budget: int) -> Section:
    """A grid for each run."""
    return by_run("picked", "What was selected", [_block(run, Thumbs(found, budget)) for run, found in read])


def odd(read: Read, budget: int) -> Section:
    """Near-duplicates and outliers of each run."""
    return by_run("odd", "Near-duplicates and outliers", [_odd(run, Thumbs(found, budget)) for run, found in read])


def _block(run: RunRecord, thumbs: Thumbs) -> Block:
    rows = run.rows("picks")
    if not rows:
        return Block(run, reason=run.reason("picked", "Nothing was selected."))
    unnamed = "unlabelled" if any(text(row.get("name")) for row in rows) else ""
    cards = [_card(row, thumbs, unnamed) for row in rows]
    n = number(run.results.get("n")) or len(rows)
    return Block(
        run,
        parts={
            "by": [_strategy(row) for row in run.rows("strategies")],
            "first": cards[:_FIRST],
            "more": cards[_FIRST:],
            "left": count(n - len(rows)) if n > len(rows) else "",
            "note": _note(run),
        },
    )


def _note(run: RunRecord) -> str:
    several = len(run.rows("strategies")) > 1
    gain = "the product of its objectives" if several else "what it added when it was chosen"
    return f"In the order of choice. Gain: {gain}; nearest: the nearest image that was chosen before it, and how far."


def _card(row: Mapping[str, Any], thumbs: Thumbs, unnamed: str) -> Mapping[str, Any]:
    distance = number(row.get("distance"))
    name = text(row.get("name")) or unnamed
    known = [v for v in (number(row.get("gain")), distance) if v is not None]
    return {
        "order": count(number(row.get("order"))),
        "id": text(row.get("id"))[:16],
        "name": name,
        "picture": thumbs.of(row.get("item")),
        "alt": ", ".join(filter(None, [f"selected as number {count(number(row.get('order')))}", name])),
        "gain": figure(number(row.get("gain"))),
        "nearest": text(row.get("nearest"))[:16],
        "nearest_picture": thumbs.of(row.get("nearest_item")),
        "distance": "" if distance is None else figure(distance),
        "reasons": [line for title, said in mapping(row.get("reasons")).items() if (line := _reason(title, mapping(said), known))],
    }


def _reason(title: str, said: Mapping[str, Any], known: Sequence[float]) -> str:
    """``balance of cells: red cells 3`` from what a strategy said beyond what the card shows anyway."""
    words = [f"{key.replace('_', ' ')} {_told(value)}" for key, value in said.items() if _told(value) and not _same(number(value), known)]
    return f"{title}: {', '.join(words)}" if words else ""


def _same(value: float | None, known: Sequence[float]) -> bool:
    return value is not None and any(math.isclose(value, one, rel_tol=5e-3) for one in known)


def _told(value: Any) -> str:
    return figure(number(value)) if number(value) is not None else text(value)


def _strategy(row: Mapping[str, Any]) -> Mapping[str, str]:
    fields = {key: value for key, value in mapping(row.get("fields")).items() if not (key == "strength" and value == 1)}
    said = ", ".join(f"{key.replace('_', ' ')} {_told(value)}" for key, value in fields.items() if _told(value))
    return {"title": text(row.get("title")) or text(row.get("strategy")), "fields": said}


def _odd(run: RunRecord, thumbs: Thumbs) -> Block:
    found = run.block("pairs")
    typical = number(found.get("typical"))
    groups = []
    for name, title, told in (
        ("selection", "Nearest pairs among the selected", "The most alike that are both to be labelled."),
        ("pool", "Nearest pairs of all images", "Near-duplicates: as a rule one of them is enough."),
        ("outliers", "Outliers", f"Farthest from their neighbour number {count(number(found.get('neighbours')))}; beside each its nearest image."),
    ):
        pairs = [_pair(row, thumbs, typical) for row in records(found.get(name))]
        if pairs:
            groups.append({"title": title, "told": told, "pairs": pairs})
    if not groups:
        return Block(run, reason=run.reason("odd", "The images were not embedded, so that none are near or far."))
    examined, pool = number(found.get("examined")), number(run.results.get("pool"))
    note = f"{count(examined)} of {count(pool)} images were compared with each other. " if examined and pool and examined < pool else ""
    note += f"Half of all images have a neighbour within {figure(typical)}." if typical is not None else ""
    return Block(run, parts={"groups": groups, "note": note})


def _pair(row: Mapping[str, Any], thumbs: Thumbs, typical: float | None) -> Mapping[str, Any]:
    distance = number(row.get("distance"))
    sides = []
    for key in ("first", "second"):
        one = mapping(row.get(key))
        sides.append(
            {
                "picture": thumbs.of(one.get("item")),
                "id": text(one.get("id"))[:16],
                "name": text(one.get("name")),
                "selected": one.get("selected") is True,
                "alt": ", ".join(filter(None, [text(one.get("name")), f"image {text(one.get('id'))[:8]}"])),
            }
        )
    times = f"{figure(distance / typical, 2)}× the median" if distance is not None and typical else ""
    return {"sides": sides, "distance": figure(distance), "times": times}
