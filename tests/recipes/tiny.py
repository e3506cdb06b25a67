"""A recipe so small that two steps take a second, on data made here."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.reliability.harness import make_data

VIEWS = {"global": {"count": 2, "size": 16, "operations": [{"random_resized_crop": {"scale": [0.4, 1.0]}}, "horizontal_flip"]}}


@cache
def blobs(folder: Path) -> Path:
    """The data set of the kill test, made once per folder."""
    return make_data(folder)


def images(folder: Path, count: int, channels: int = 3, side: int = 20, seed: int = 0) -> Path:
    """``count`` PNG files of noise."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    shape = (side, side) if channels == 1 else (side, side, channels)
    for number in range(count):
        Image.fromarray(rng.integers(0, 255, shape, dtype=np.uint8)).save(folder / f"{number:04d}.png")
    return folder


def tiny(data: Path | str, **changes: Any) -> dict[str, Any]:
    """Four steps of SimCLR, watched at the start and the end."""
    return {
        "data": {"train": str(data), "monitor": str(data)},
        "views": VIEWS,
        "encoder": {"name": "resnet18", "width": 0.0625, "stem": "small"},
        "method": {"name": "simclr", "hidden": 16, "dim": 8},
        "optimizer": {"name": "adamw", "lr": 1e-3},
        "steps": 4,
        "batch_size": 16,
        "threads": 1,
        "device": "cpu",
        "precision": "fp32",
        "examine": False,
        **changes,
    }
