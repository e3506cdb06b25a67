"""A run with maps of saliency, drawn by hand: pictures of the right size and names, numbers that agree with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.report import fake_evaluation
from vesalius import figures

RANDOM = "random init"
LONG = "mimic-chexpert_resnet50_learning-rate-0.01_epoch-300_seed-7"
MANY = ("byol", "efficientnet-lite0", LONG, "swav", "simclr-v1", "pirl", "<b>50 %</b> & more", "moco-v2")


def write(
    folder: Path, encoders: Sequence[str] = ("ours",), data: Sequence[str] = ("pneumoniamnist",), images: int = 4, side: int = 224, kind: str = "occlusion"
) -> Path:
    """A run directory; the last encoder is of half the size, and lacks its first picture where there are several."""
    rng = np.random.default_rng(5)
    found: dict[str, Any] = fake_evaluation.results(encoders, data, ("rank",))
    found |= {"protocols": ["saliency"], "controls": [], "title": "Saliency", "saliency": found.pop("rank"), "leakage": [], "ranks": [], "correlations": []}
    names = [*encoders, RANDOM]
    rows, cells = [], []
    for one in data:
        ids = [f"{number:016x}" for number in rng.integers(0, 2**63, images)]
        pictures = [_image(rng, side) for _ in ids]
        for place, name in enumerate(names):
            values = []
            for at, (id_, picture) in enumerate(zip(ids, pictures, strict=True)):
                blob = _map(rng, side, 0.1 + 0.05 * place)
                values.append(100 * float((blob > blob.mean()).mean()))
                where = f"saliency/{place}/{one}/{id_}"
                (folder / where).parent.mkdir(parents=True, exist_ok=True)
                files = {"image": picture, "heat": figures.coloured(blob, 0, 1), "overlay": figures.overlaid(picture, blob, 0.6)}
                for what, array in files.items():
                    if not (place == len(encoders) - 1 > 0 and at == 0 and what == "overlay"):
                        (folder / f"{where}.{what}.png").write_bytes(figures.png(array))
                rows.append({"encoder": name, "data": one, "id": id_, "diffusion": values[-1], **{what: f"{where}.{what}.png" for what in files}})
            mean = float(np.mean(values))
            bounds = {"low": mean - 4, "high": mean + 5} if images >= 3 else {"low": None, "high": None}
            at_all = {"encoder": name, "data": one, "metric": "attentive_diffusion", "primary": True, "value": mean, "n": images, "units": images}
            cells.append({**at_all, **bounds, "margin": None, "spread": None, "repeats": 1, "unit": "images"})
    chosen = [{"encoder": name, "data": one, "map": kind, "colours": "viridis", "window": 10} for name in names for one in data]
    found["saliency"] = {"cells": cells, "pictures": rows, "chosen": chosen, "absent": [], "ties": [], "differences": [], "curves": [], "rule": "How."}
    return fake_evaluation.write(folder, found)


def _image(rng: np.random.Generator, side: int) -> np.ndarray:
    y, x = np.mgrid[:side, :side] / side - 0.5
    lungs = sum(np.exp(-(((x - s * 0.2) / 0.12) ** 2 + (y / 0.3) ** 2)) for s in (-1, 1))
    grey = np.clip(200 - 130 * lungs + 8 * rng.standard_normal((side, side)), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, 2)


def _map(rng: np.random.Generator, side: int, width: float) -> np.ndarray:
    y, x = np.mgrid[:side, :side] / side
    made = sum(np.exp(-(((x - a) ** 2 + (y - b) ** 2) / width**2)) for a, b in rng.random((3, 2)))
    return np.asarray(made / made.max())
