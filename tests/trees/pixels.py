"""Real radiograph pixels: crops of the chest and the leg that pydicom-data holds (CR, 15 and 10 bits, MONOCHROME1)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.data import get_testdata_file

DEEP = 4095
"""The brightest value of a deep image: 12 bits, as detectors give them."""


def radiographs(n: int, side: int = 64, *, deep: bool = False, seed: int = 0) -> list[NDArray[Any]]:
    """``n`` different images (side, side), bone bright: uint8, or uint16 of 12 bits where ``deep``.

    Each is a crop of a quarter to two thirds of a radiograph's shorter side, at a place and size drawn from ``seed``.
    """
    rng = np.random.default_rng(seed)
    return [_crop(rng, side, deep) for _ in range(n)]


def _crop(rng: np.random.Generator, side: int, deep: bool) -> NDArray[Any]:
    for _ in range(100):
        picture = _pictures()[rng.integers(2)]
        size = int(rng.uniform(0.25, 0.66) * min(picture.size))
        x, y = (int(rng.integers(longest - size)) for longest in picture.size)
        box = (x, y, x + size, y + size)
        crop = np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC, box=box))
        if crop.std() > 0.05:  # not the bare background beside the leg
            break
    if deep:
        return np.rint(crop.clip(0, 1) * DEEP).astype(np.uint16)
    return np.rint(crop.clip(0, 1) * 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _pictures() -> tuple[Image.Image, ...]:
    return tuple(_picture(name) for name in ("RG1_UNCR.dcm", "RG3_UNCR.dcm"))


def _picture(name: str) -> Image.Image:
    """The radiograph in [0, 1], its darkest and brightest hundredth cut off."""
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str), f"{name} is missing: install pydicom-data"
    values = -pydicom.dcmread(path).pixel_array.astype(np.float32)  # MONOCHROME1: large is dark
    low, high = np.percentile(values[::4, ::4], (1, 99))
    return Image.fromarray(((values - low) / (high - low)).clip(0, 1))
