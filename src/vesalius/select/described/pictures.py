"""The pictures of a report: thumbnails of the picks and of odd images, and those that lie on the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius import random
from vesalius.data.dataset import DataSet
from vesalius.evaluate.sprites import write_examples
from vesalius.measures import selection_quality
from vesalius.runs import Run
from vesalius.select.selected import Selected

Rows = NDArray[np.int64]
LARGE, ON_MAP, PICKS = 96, 2400, 400
"""Side of the picks' pictures, images on the map, picks that are shown one by one."""
_EXAMINED, _NEIGHBOURS, _PAIRS, _OUTLIERS = 10_000, 5, 10, 10


def pairs(selected: Selected, seed: int) -> dict[str, Any]:
    """Rows of the nearest pairs among the chosen and in the pool, and of the rows farthest from their fifth neighbour; empty without vectors.

    Of pools above 10,000 images the selected ones and others drawn are looked at, so many together.
    """
    vectors, picks = selected.candidates.vectors, selected.picks.rows
    if vectors is None or len(vectors) < 3 or not len(picks):
        return {}
    drawn = random.permutation(random.digest64("odd images", seed), 0, len(vectors))
    rows = np.sort(np.concatenate([picks[:_EXAMINED], drawn[~np.isin(drawn, picks)][: max(0, _EXAMINED - len(picks))]]))
    which, distance = selection_quality.neighbours(vectors, rows, _NEIGHBOURS)
    far = np.argsort(-distance[:, -1], kind="stable")[:_OUTLIERS]
    within = np.sort(picks[:_EXAMINED])
    chosen = selection_quality.closest_pairs(within, *selection_quality.neighbours(vectors, within, 2), _PAIRS) if len(within) > 1 else []
    return {
        "examined": len(rows),
        "neighbours": which.shape[1],
        "typical": float(np.median(distance[:, 0])),
        "pool": selection_quality.closest_pairs(rows, which, distance, _PAIRS),
        "selection": chosen,
        "outliers": [(int(rows[at]), int(which[at, 0]), float(distance[at, -1])) for at in far],
    }


def write_pictures(selected: Selected, run: Run, data: DataSet | None, ids: NDArray[np.uint64], odd: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """``selected/`` and ``examples/`` in the run, as the report reads them; the parts ``picks`` and ``pairs`` of its results.

    ``ids`` (N,) of the candidates. Without ``data`` there are no pictures. A picture is told by the number of its item.
    """
    picks = selected.picks.rows[:PICKS]
    named = _named(odd)
    near = [int(row) for row in selected.picks.nearest[: len(picks)] if row >= 0]
    there = np.ones(len(ids), bool) if data is None else np.isin(ids, data.store.ids)  # of a datapool some have vanished
    shown = np.array([row for row in dict.fromkeys([*map(int, picks), *named, *near]) if there[row]], np.int64)
    item = {int(row): number for number, row in enumerate(shown)}
    if data is not None:
        write_examples(run.path / "selected", data, _records(data, ids[shown]), {"items": _items(selected, ids, shown)}, tile=LARGE)
        if selected.map is not None:
            of_map = _on_map(selected, seed)
            of_map = of_map[there[of_map]]
            write_examples(run.path / "examples", data, _records(data, ids[of_map]), {"items": _items(selected, ids, of_map)})
    return {"picks": _picks(selected, ids, item), "pairs": _told(odd, item, selected, ids)}


def to_show(selected: Selected, odd: Mapping[str, Any], seed: int) -> Rows:
    """Rows that the report may show: the picks, those near to them, the ``odd`` ones that ``pairs`` found, and what lies on the map."""
    picks = selected.picks
    on_map = _on_map(selected, seed) if selected.candidates.vectors is not None else np.empty(0, np.int64)
    near = picks.nearest[:PICKS]
    return np.unique(np.concatenate([picks.rows[:PICKS], near[near >= 0], np.asarray(_named(odd), np.int64), on_map]))


def _named(odd: Mapping[str, Any]) -> list[int]:
    """The rows of which ``pairs`` says something."""
    return [row for name in ("selection", "pool", "outliers") for one in odd.get(name, ()) for row in one[:2]]


def _on_map(selected: Selected, seed: int) -> Rows:
    """All picks, as far as there is room, and others drawn."""
    picks = selected.picks.rows[:ON_MAP]
    drawn = random.permutation(random.digest64("on the map", seed), 0, len(selected.candidates))
    return np.concatenate([picks, np.sort(drawn[~np.isin(drawn, picks)][: ON_MAP - len(picks)])])


def _records(data: DataSet, ids: NDArray[np.uint64]) -> Rows:
    return data.store.rows(ids)


def _items(selected: Selected, ids: NDArray[np.uint64], rows: Rows) -> list[dict[str, Any]]:
    order = {int(row): number for number, row in enumerate(selected.picks.rows, 1)}
    before = set(selected.candidates.chosen.tolist())
    return [
        {
            "id": f"{int(ids[row]):016x}",
            "name": _label(selected, int(row)),
            "order": order.get(int(row)),
            "before": int(row) in before,
            "xy": None if selected.map is None else [round(float(v), 4) for v in selected.map[row]],
        }
        for row in rows
    ]


def _label(selected: Selected, row: int) -> str:
    """What is known of an image, in words: its class, or the labels that are yes."""
    said = []
    for name, known in selected.labels.items():
        value, names = known[row], selected.class_names.get(name, ())
        if value != value:
            continue
        if names and 0 <= int(value) < len(names):
            said.append(str(names[int(value)]))
        elif value == 1:
            said.append(name)
    return ", ".join(said[:4])


def _picks(selected: Selected, ids: NDArray[np.uint64], item: Mapping[int, int]) -> list[dict[str, Any]]:
    picks = selected.picks
    reasons: Sequence[Mapping[str, Mapping[str, Any]]] = picks.reasons or [{}] * len(picks)
    return [
        {
            "order": number + 1,
            "id": f"{int(ids[row]):016x}",
            "item": item.get(int(row)),
            "name": _label(selected, int(row)),
            "gain": float(picks.gain[number]),
            "nearest": f"{int(ids[near]):016x}" if (near := int(picks.nearest[number])) >= 0 else None,
            "nearest_item": item.get(near),
            "distance": float(picks.distance[number]),
            "reasons": reasons[number],
        }
        for number, row in enumerate(picks.rows[:PICKS])
    ]


def _told(odd: Mapping[str, Any], item: Mapping[int, int], selected: Selected, ids: NDArray[np.uint64]) -> dict[str, Any]:
    """Rows as items, ids and classes, and whether each was selected."""
    if not odd:
        return {}
    chosen = set(selected.picks.rows.tolist())

    def of(row: int) -> dict[str, Any]:
        return {"item": item.get(row), "id": f"{int(ids[row]):016x}", "name": _label(selected, row), "selected": row in chosen}

    told = {name: [{"first": of(a), "second": of(b), "distance": d} for a, b, d in odd[name]] for name in ("pool", "selection", "outliers")}
    return {**{key: odd[key] for key in ("examined", "neighbours", "typical")}, **told}
