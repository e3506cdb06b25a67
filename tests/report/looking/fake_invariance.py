"""A run with invariances and pairs of views, as ``results.json`` has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.report import fake_evaluation
from vesalius import figures

RANDOM = "random init"
MEASURES = ("whitened_cosine", "mahalanobis", "centred_cosine", "neighbours_kept")
TRANSFORMS = ("rotation", "brightness", "h_flip")
_AXES = {"rotation": "degrees", "brightness": "factor", "h_flip": "off or on"}
_PLACES = {"rotation": (15.0, 90.0, 90.0), "brightness": (0.25, 1.0, 4.0), "h_flip": (0.0, 1.0)}
Results = dict[str, Any]


def write(folder: Path, encoders: Sequence[str] = ("ours", "<b>moco</b>"), data: Sequence[str] = ("pneumoniamnist",)) -> Path:
    """Both protocols; ``whitened_cosine@h_flip`` of the first encoder is 0.9, everything else below; 138 images in 512 dimensions."""
    found: Results = fake_evaluation.results(encoders, data, ("rank",))
    del found["rank"]
    found |= {"protocols": ["invariance", "multiview-invariance"], "controls": [], "leakage": [], "ranks": [], "correlations": []}
    names = [*encoders, RANDOM]
    cells, curves = [], []
    for place, name in enumerate(names):
        for one in data:
            for measure in MEASURES:
                for transform in ("", *TRANSFORMS):
                    value = 0.9 if (transform, place) == ("h_flip", 0) else 0.5 - 0.1 * place
                    cells.append(_cell(name, one, f"{measure}@{transform}" if transform else measure, value, not transform and measure == MEASURES[0]))
                for transform in TRANSFORMS:
                    for at, x in enumerate(_PLACES[transform]):
                        row = {"encoder": name, "data": one, "metric": measure, "transform": transform, "x": x, "said": f"{x}"}
                        curves.append({**row, "value": 0.3 + 0.2 * at, "low": 0.2 + 0.2 * at, "high": 0.4 + 0.2 * at})
    told = {"probes": 100, "samples": 138, "dim": 512, "rank": 27, "condition": 81.5, "fit": 0.75, "neighbours": 10, "neighbours_by_chance": 0.07}
    chosen = [{"encoder": name, "data": one, **told, "changed_nothing": ["hue"]} for name in names for one in data]
    rest: Results = {"absent": [], "ties": [], "differences": [], "rule": "How."}
    about = [{"name": name, "title": name.replace("h_", "horizontal "), "axis": _AXES[name]} for name in TRANSFORMS]
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "transforms.png").write_bytes(figures.png(np.zeros((600, 400, 3), np.uint8)))
    found["invariance"] = {**rest, "cells": cells, "curves": curves, "chosen": chosen, "transforms": about, "sheet": "figures/transforms.png"}
    pairs = {"whitened_cosine": 0.4, "unpaired_cosine": 0.05, "pairing_auc": 0.93, "mahalanobis": 1.1, "centred_cosine": 0.6, "neighbours_kept": 0.2}
    views = [_cell(name, one, metric, value, metric == "whitened_cosine") for name in names for one in data for metric, value in pairs.items()]
    of = {"pairs": 60, "without_partner": 3, "pair": "study", "view": "view", "views": ["frontal", "lateral"]}
    found["multiview_invariance"] = {**rest, "cells": views, "curves": [], "chosen": [{**row, **of} for row in chosen]}
    return fake_evaluation.write(folder, found)


def _cell(encoder: str, data: str, metric: str, value: float, primary: bool) -> Results:
    bounds = {"value": value, "low": value - 0.05, "high": value + 0.05, "margin": None, "spread": None}
    return {"encoder": encoder, "data": data, "metric": metric, "primary": primary, **bounds, "repeats": 1, "n": 100, "units": 90, "unit": "subjects"}
