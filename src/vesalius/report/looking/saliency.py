"""Where encoders look: each image under the map of each encoder, and how much of it lies above the map's mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from vesalius.report.grid import Grid, grid, part
from vesalius.report.looking.shown import Shown, shown, stops
from vesalius.report.probes import Row, Table, Whisker
from vesalius.report.reading import RunRecord
from vesalius.report.section import Block, Section, by_run
from vesalius.report.ticks import linear
from vesalius.report.values import number, records, text
from vesalius.report.wording import count, figure, interval, score

_METRIC = "attentive_diffusion"
_TILES, _COLUMNS = 16, 6
"""About so many tiles of a data set are shown at once, and at most so many side by side."""
_ABREAST = 2
"""Encoders of which a map stands beside what it is laid over, not below."""
_OPEN_SETS = 2
"""Data sets that are shown at once."""
_SAYS: Mapping[str, str] = {
    "occlusion": "how much the feature changes when a window{} there is hidden",
    "grad-cam": "how much a place of the last map brings the feature from an empty image's to this one",
    "integrated-gradients": "how much the pixels there bring the feature from an empty image's to this one",
    "attention-rollout": "how much of a patch reaches the feature through all layers",
    "attention": "how much the class token attends to a patch in the last layer",
}
"""Of each kind of map what its colours say."""


def present(run: RunRecord) -> bool:
    """Whether ``run`` has pictures of saliency."""
    return bool(_pictures(run))


def section(runs: Sequence[RunRecord], budget: int) -> Section:
    """Every image of every data set under every encoder's map; the pictures together within ``budget`` bytes."""
    return by_run("saliency", "Where encoders look", [_block(run, budget // len(runs)) for run in runs])


def _block(run: RunRecord, budget: int) -> Block:
    rows = _pictures(run)
    if not rows:
        return Block(run, reason=run.reason("saliency", "The evaluation made no saliency maps: `vesalius evaluate saliency` does."))
    kind, colours, window = _chosen(run, "map", "occlusion"), _chosen(run, "colours", "viridis"), _chosen(run, "window", "")
    found = grid(run.results, "saliency", _METRIC)
    each = budget // sum(3 if row.get("heat") else 2 for row in rows)
    made = [_of_data(run, found, data, [row for row in rows if text(row.get("data")) == data], each) for data in _named(rows, "data")]
    parts = {
        "says": _SAYS.get(kind, "what the map measures").format(f" of {window} pixels" if window else ""),
        "bar": {"low": "least", "high": "most", "colours": stops(colours)},
        "sets": made[:_OPEN_SETS],
        "more": made[_OPEN_SETS:],
        "several": len(made) > 1,
        "absent": [f"{name} on {data}: {reason}" for (name, data), reason in found.reasons.items()],
    }
    return Block(run, parts=parts)


def _of_data(run: RunRecord, found: Grid, data: str, rows: Sequence[Mapping[str, Any]], budget: int) -> Mapping[str, Any]:
    """The images of a data set, each with a tile for each encoder."""
    names = [name for name in dict.fromkeys([*found.names, *_named(rows, "encoder")]) if any(text(row.get("encoder")) == name for row in rows)]
    images = [_image(run, names, [row for row in rows if text(row.get("id")) == one], budget) for one in _named(rows, "id")]
    tiles = len(names) + 1
    shown_at_once = max(1, round(_TILES / tiles))
    return {
        "name": data,
        "images": images[:shown_at_once],
        "more": images[shown_at_once:],
        "wide": 1 + 2 * len(names) if len(names) <= _ABREAST else ceil(tiles / ceil(tiles / _COLUMNS)),
        "abreast": len(names) <= _ABREAST,
        "table": _table(found, data, names),
        "words": f"{count(len(images))} image{'s' if len(images) != 1 else ''}",
    }


def _image(run: RunRecord, names: Sequence[str], rows: Sequence[Mapping[str, Any]], budget: int) -> Mapping[str, Any]:
    """One image as it is and, for each encoder, under its map, above the map itself."""
    of: dict[str, Mapping[str, Any]] = {text(row.get("encoder")): row for row in rows}
    first = next((picture for row in rows if (picture := shown(run, text(row.get("image")), budget)).address), Shown())
    tiles = []
    for name in names:
        row = of.get(name, {})
        diffusion = number(row.get("diffusion"))
        tiles.append(
            {
                "name": name,
                "overlay": shown(run, text(row.get("overlay")), budget),
                "heat": shown(run, text(row.get("heat")), budget),
                "diffusion": "–" if diffusion is None else score(diffusion, _METRIC),
            }
        )
    return {"id": text(rows[0].get("id")), "picture": first, "tiles": tiles}


def _table(found: Grid, data: str, names: Sequence[str]) -> Table | None:
    """Attentive diffusion of each encoder, its mean over the images, on a shared axis; None where no cell has it."""
    cells = [(name, cell) for name in names if (cell := found.cells.get((name, data))) is not None]
    if not cells:
        return None
    bounds = [v for _, cell in cells for v in (cell.value, cell.low, cell.high) if v is not None]
    axis = linear([*bounds, 0.0], count=5, pad=0.06, floor=0.0, ceiling=100.0, show=lambda v: figure(v))
    rows = []
    for name, cell in cells:
        low, high = (None if bound is None else axis.at(bound) for bound in (cell.low, cell.high))
        whisker = Whisker(axis.at(cell.value), low, high, "grey" if name in found.baselines else "c0")
        rows.append(Row([name], [score(cell.value, _METRIC), interval(cell.low, cell.high, _METRIC)], [whisker]))
    images = max(cell.n for _, cell in cells)
    few = "" if any(cell.low is not None for _, cell in cells) else " Fewer than three images have no interval worth showing."
    note = f"Mean over {count(images)} image{'s' if images != 1 else ''}: the share of a map that lies above its own mean.{few}"
    return Table(_METRIC, "Attentive diffusion", ["Encoder", "Diffusion", "95 % interval"], rows, axis, note=note)


def _pictures(run: RunRecord) -> list[Mapping[str, Any]]:
    return [row for row in records(part(run.results, "saliency").get("pictures")) if text(row.get("overlay")) or text(row.get("heat"))]


def _named(rows: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    return list(dict.fromkeys(text(row.get(key)) for row in rows))


def _chosen(run: RunRecord, key: str, otherwise: str) -> str:
    """A field of the maps as the cells say it."""
    return next((text(row.get(key)) for row in records(part(run.results, "saliency").get("chosen")) if text(row.get(key))), otherwise)
