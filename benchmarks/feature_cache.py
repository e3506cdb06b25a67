"""How soon a second protocol on the same encoder and data begins: from the call until it holds the cached features.

ResNet-50 (25.6 million weights, 2,048 numbers an image) on 5,000 images. The first pass forwards them; then a new panel is opened, as a
second call does, and the features of all three parts are read again.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vesalius.encoders import build_encoder, save_encoder
from vesalius.evaluate.asked import Asked
from vesalius.evaluate.cells import Cells
from vesalius.evaluate.config import configured
from vesalius.evaluate.pairs.opening import opened
from vesalius.evaluate.pairs.pair import Pair
from vesalius.terminal import Terminal
from vesalius.training.memory import keep_freed_memory

IMAGES, SIDE = 5000, 32
PARTS = ("train", "val", "test")


def images(folder: Path, count: int, side: int = SIDE) -> Path:
    """``count`` small images in two folders of classes."""
    generator = np.random.default_rng(0)
    for name in ("no", "yes"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        pixels = generator.integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / ("no", "yes")[number % 2] / f"{number}.png", compress_level=1)
    return folder


def begun(encoder: Path, data: Path, place: Path) -> Pair:
    """A call's way to its first pair."""
    quiet = Terminal(quiet=True)
    panel = opened(configured("knn", (), {"split.test": 0.2}, [str(encoder)], [str(data)]), quiet)
    asked = Asked((), None, Cells(place), torch.device("cpu"), None, 1, 256, quiet, panel=panel)  # type: ignore[arg-type]
    return next(iter(asked.pairs()))


def main() -> None:
    """Time both and print a line for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VESALIUS_CACHE"] = f"{folder}/cache"
        place = Path(folder)
        save_encoder(build_encoder("resnet50", size=(SIDE, SIDE)).eval(), place / "encoder")
        data = images(place / "images", asked.images)
        pair = begun(place / "encoder", data, place)
        start = time.perf_counter()
        for part in PARTS:
            pair.features(part)
        cold = time.perf_counter() - start
        warm = []
        for _ in range(asked.rounds):
            start = time.perf_counter()
            again = begun(place / "encoder", data, place)
            for part in PARTS:
                again.features(part)
            warm.append(time.perf_counter() - start)
        kept = sum(file.stat().st_size for file in (place / "cache" / "features").rglob("*.safetensors"))
    setting = f"ResNet-50 at {SIDE} px, {asked.images:,} images, {kept / 2**20:.0f} MB of features, best and worst of {asked.rounds}; peer: the first pass"
    print(
        json.dumps(
            {
                "name": "a second protocol begins",
                "setting": f"{setting}; worst {max(warm):.2f} s",
                "unit": "s",
                "ours": round(min(warm), 3),
                "peer": round(cold, 2),
                "ratio": round(cold / min(warm), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
