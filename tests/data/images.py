"""Small data sets of images on disk, with the pixels that were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from vesalius.data.table import SampleTable


def write_images(folder: Path, count: int, height: int = 24, width: int = 32, seed: int = 0) -> dict[str, NDArray[Any]]:
    """``count`` RGB images in two folders; their pixels by relative path."""
    rng = np.random.default_rng(seed)
    made: dict[str, NDArray[Any]] = {}
    for number in range(count):
        uri = f"{'ab'[number % 2]}/{number:04d}.png"
        (folder / uri).parent.mkdir(parents=True, exist_ok=True)
        made[uri] = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(made[uri]).save(folder / uri, compress_level=0)
    return made


def write_odd_sizes(folder: Path, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Grey images of all sizes, of 8 and of 16 bits."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, NDArray[Any]] = {}
    for number, (height, width) in enumerate([(1, 1), (5, 9), (7, 3), (16, 16), (9, 5), (2, 31), (33, 4), (20, 20)]):
        dtype: Any = np.uint16 if number % 3 == 1 else np.uint8
        pixels = rng.integers(0, np.iinfo(dtype).max + 1, (height, width, 1), dtype=dtype)
        uri = f"{number}.tif"
        tifffile.imwrite(folder / uri, pixels[..., 0])
        made[uri] = pixels
    return made


def table_of(folder: Path, uris: list[str], **rest: Any) -> SampleTable:
    return SampleTable.of("folder", folder, uris, **rest)


def whole(store: Any, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The windows (B, R, 2, 2) that take whole records."""
    extents = store.extents[rows]
    return np.stack([np.zeros_like(extents), extents], axis=2)


def stored(store: Any) -> list[NDArray[Any]]:
    """Each record as (H, W, C)."""
    return [np.moveaxis(store.array(row), 0, -1) for row in range(len(store))]
