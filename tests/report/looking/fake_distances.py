"""A run with perceptual distances: pictures of two kinds, numbers of every network that agree with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.report import fake_evaluation
from vesalius import figures

NETS = ("alexnet", "vgg", "squeezenet")


def write(folder: Path, encoders: Sequence[str] = ("ours", "other"), data: Sequence[str] = ("a",), images: int = 4, side: int = 72) -> Path:
    """A run directory; each further encoder's pictures are farther; the last of each data set has no picture."""
    rng = np.random.default_rng(3)
    found: dict[str, Any] = fake_evaluation.results(encoders, data, ("rank",))
    for name in ("rank", "controls", "leakage", "ranks", "correlations"):
        found.pop(name, None)
    rows, cells = [], []
    for place, name in enumerate(encoders):
        for one in data:
            mine = []
            for number in range(images):
                picture = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
                files = {"original": f"p/{place}/{one}/{number}.original.png", "image": f"p/{place}/{one}/{number}.png"}
                (folder / files["image"]).parent.mkdir(parents=True, exist_ok=True)
                for file in files.values():
                    (folder / file).write_bytes(figures.png(picture))
                each = {net: 0.1 * (place + 1) + 0.01 * number + 0.001 * at for at, net in enumerate(NETS)}
                row = {"encoder": name, "data": one, "id": f"{number:016x}", "perceptual_distance": float(np.mean(list(each.values()))), **each}
                mine.append(row | (files if number < images - 1 else {}))
            rows += mine
            at_all = {"encoder": name, "data": one, "n": images, "units": images, "unit": "images", "low": None, "high": None, "margin": None, "spread": None}
            for metric in ("perceptual_distance", *NETS):
                named = metric if metric not in NETS else f"perceptual_distance@{metric}"
                value = float(np.mean([row[metric] for row in mine]))
                cells.append({**at_all, "metric": named, "primary": named == metric, "value": value, "repeats": 1})
    chosen = [{"encoder": name, "data": one, "pairs": images, "sizes": [f"{side} × {side}"]} for name in encoders for one in data]
    own = {"cells": cells, "pictures": rows, "chosen": chosen, "absent": [], "ties": [], "differences": [], "curves": [], "rule": "How.", "missing": 2}
    found |= {"protocols": ["perceptual-distance"], "perceptual_distance": own, "title": "Distances"}
    return fake_evaluation.write(folder, found)
