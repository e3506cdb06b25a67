"""Labelled images for fine-tuning, as a table of files: blobs whose place, size and brightness are what is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from vesalius.encoders import build_encoder, save_encoder

RECIPE: dict[str, Any] = {
    "data": {"split": {"val": 0.2, "test": 0.25}},
    "views": {"global": {"count": 1, "size": 16, "operations": [{"random_resized_crop": {"scale": [0.8, 1.0]}}]}},
    "steps": 24,
    "batch_size": 28,
    "validate_every": {"steps": 6},
    "checkpoint_every": {"steps": 5},
    "threads": 1,
    "device": "cpu",
    "precision": "fp32",
}


def encoder(folder: Path, channels: int = 1) -> Path:
    """A small encoder of random weights, saved."""
    save_encoder(build_encoder("resnet18", width=0.0625, stem="small", channels=channels, size=(16, 16)), folder)
    return folder


def images(folder: Path, count: int = 160, seed: int = 0) -> Path:
    """``table.csv`` with columns file, patient, ill (words), side (words), grade (words), age, one, two; 20 px grey files."""
    rng = np.random.default_rng(seed)
    (folder / "png").mkdir(parents=True)
    rows = []
    for number in range(count):
        grade, ill = int(rng.integers(0, 4)), bool(rng.random() < 0.4)
        pixels = rng.integers(0, 70, (20, 20))
        pixels[3 + 4 * grade : 6 + 4 * grade, 4:16] += 90
        if ill:
            pixels[:, 8:12] += 60
        pixels = pixels + int(rng.integers(0, 30))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "png" / f"{number}.png")
        rows.append(
            {
                "file": f"png/{number}.png",
                "patient": f"p{number // 2}",
                "ill": "yes, ill" if ill else "no",
                "side": ["up", "middle", "low", "floor"][grade],
                "grade": ["none", "mild", "severe", "worst"][grade],
                "age": 20 + 15 * grade + rng.normal(0, 3),
                "one": int(ill),
                "two": int(grade > 1),
            }
        )
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


def changed(table: Path, name: str, **columns: Any) -> Path:
    """A copy of ``table`` beside it with these columns changed by functions of the frame."""
    frame = pd.read_csv(table)
    for column, change in columns.items():
        frame[column] = change(frame)
    frame.to_csv(table.parent / name, index=False)
    return table.parent / name
