"""Two pictures of an evaluation: all encoders by all transforms, and what the transforms do to one image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vesalius.evaluate.asked import Asked
from vesalius.evaluate.transformed import held_out, sheet
from vesalius.evaluate.transformed.transforms import TRANSFORMS
from vesalius.figures.tables import heat_table
from vesalius.files import atomic_write
from vesalius.runs import Run

METRIC = "whitened_cosine"
FILE = "figures/invariance.png"


def transformed(asked: Asked, names: Sequence[str], *, compat: bool) -> str:
    """``figures/transforms.png``: one of the probed images under each transform; its path in the run, empty where no encoder reads images."""
    pair = next((pair for pair in asked.pairs() if len(pair.encoder.card.size) == 2), None)
    if pair is None:
        return ""
    every = pair.split("images")
    which = int(every.rows[held_out.drawn(every.subject, 1, asked.seed)[0]])
    file = f"figures/{sheet.FILE}"
    atomic_write(asked.run.path / file, sheet.sheet(pair, which, names, compat=compat))
    return file


def write(run: Run, cells: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """``figures/invariance.png``: the whitened cosine of each encoder on each data set, transform by transform, the mean first; its path in the run."""
    value = {(row["encoder"], row["data"], row["metric"]): row["value"] for row in cells if row["metric"].partition("@")[0] == METRIC}
    lines = list(dict.fromkeys((encoder, data) for encoder, data, _ in value))
    several = len({data for _, data in lines}) > 1
    keys = [METRIC, *(f"{METRIC}@{name}" for name in names)]
    shown = np.array([[value.get((*line, key), np.nan) for key in keys] for line in lines], np.float64)
    titles = ["all", *(TRANSFORMS[name].title for name in names)]
    rows = [f"{encoder} on {data}" if several else encoder for encoder, data in lines]
    title = "Similarity of an image's features and those of its transformed version (whitened cosine; 1: the transform is ignored)"
    (run.path / "figures").mkdir(exist_ok=True)
    atomic_write(run.path / FILE, heat_table(shown, rows, titles, title, min(0.0, float(np.nanmin(shown))), 1.0, "viridis", 2))
    return FILE
