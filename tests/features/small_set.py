"""A few images on disk with their table and store, for tests of what reads pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from vesalius.data.dataset import DataSet, open_data, resolve
from vesalius.data.settings import StoreSettings
from vesalius.terminal import Terminal


def write_images(folder: Path, count: int, side: int = 20, start: int = 0) -> Path:
    """``count`` distinct PNG images in two class folders; some are not square."""
    generator = np.random.default_rng(start)
    for i in range(start, start + count):
        place = folder / ("even", "odd")[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 256, (side + i % 3, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{i:04d}.png")
    return folder


def open_folder(folder: Path) -> DataSet:
    """The images of ``folder``, stored at 20 pixels in three channels."""
    quiet = Terminal(quiet=True)
    table = resolve(str(folder), terminal=quiet)
    return open_data("small", table, StoreSettings(size=20, channels=3), quiet)
