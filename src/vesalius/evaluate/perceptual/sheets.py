"""What stays of the perceptual distances beside the results: a table for each network, and the nearest and farthest pairs as pictures."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vesalius.evaluate.perceptual import seen
from vesalius.evaluate.perceptual.cells import METRIC
from vesalius.evaluate.perceptual.sought import Made
from vesalius.files import atomic_write

FOLDER = "perceptual-distance"
SHOWN = 4
"""Pairs that the report shows, of the nearest and of the farthest."""


def write_tables(folder: Path, means: Mapping[tuple[str, str], Mapping[str, float]], nets: Sequence[str]) -> list[Path]:
    """``folder/perceptual-distance/NET.csv``: a row for each model, a column for each data set, empty where nothing was compared.

    ``means``: (model, data set) -> network -> mean distance.
    """
    models, sets = list(dict.fromkeys(model for model, _ in means)), list(dict.fromkeys(data for _, data in means))
    written = []
    for net in nets:
        buffer = io.StringIO()
        lines = csv.writer(buffer, lineterminator="\n")
        lines.writerow(["model", *sets])
        lines.writerows([model, *(f"{means[model, data][net]:.6f}" if (model, data) in means else "" for data in sets)] for model in models)
        file = folder / FOLDER / f"{net}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(file, buffer.getvalue())
        written.append(file)
    return written


def write_pictures(folder: Path, rows: Sequence[dict[str, Any]], pairs: Sequence[Made], side: int | None) -> None:
    """Add ``image`` and ``original``, paths in ``folder``, to those of ``rows`` that are nearest and farthest, as the networks saw them.

    ``pairs``: what each row is of. Those that lie in the run already stay as they are.
    """
    from vesalius.figures import png

    order = sorted(range(len(rows)), key=lambda place: float(rows[place][METRIC]))
    for place in dict.fromkeys([*order[:SHOWN], *order[-SHOWN:]]):
        if "image" in rows[place]:
            continue
        one = pairs[place]
        number = sum(other.id == one.id for other in pairs[:place] if (other.model, other.data) == (one.model, one.data))
        stem = f"{FOLDER}/{one.model}/{one.data}/{one.id}{f'-{number}' if number else ''}"
        for name, picture in zip(("original", "image"), seen.pair(one.original, one.made, side), strict=True):
            file = f"{stem}.original.png" if name == "original" else f"{stem}.png"
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            atomic_write(folder / file, png(picture))
            rows[place][name] = file
