"""Thumbnails in one PNG, row by row, as the report and other viewers read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.dataset import DataSet
from vesalius.figures.canvas import fitted, png
from vesalius.files import atomic_write

_TILE, _COLUMNS = 48, 40


def write_examples(folder: Path, data: DataSet, rows: NDArray[np.int64], content: Mapping[str, Any], *, tile: int = _TILE) -> None:
    """``sprite.png`` of the records ``rows``, squares of ``tile`` pixels, and ``examples.json`` with ``content`` into ``folder``."""
    folder.mkdir(exist_ok=True)
    images = [_flat(data, int(row)) for row in rows]
    atomic_write(folder / "sprite.png", sprite(images, tile, _COLUMNS))
    atomic_write(folder / "examples.json", json.dumps({"tile": tile, "columns": _COLUMNS, **content}))


def _flat(data: DataSet, row: int) -> NDArray[Any]:
    """A record as an image (height, width, C); of a volume its axial plane through the middle, the right on the left."""
    stored = np.asarray(data.store.array(row))
    if stored.ndim == 3:
        return np.moveaxis(stored, 0, -1)
    plane = stored[:, :, :, stored.shape[3] // 2].astype(np.float32)
    low, high = np.percentile(plane, (1, 99))
    grey = np.clip((plane - low) / max(float(high - low), 1e-12), 0, 1) * 255
    return np.transpose(grey.astype(np.uint8), (2, 1, 0))[::-1, ::-1]


def sprite(images: Sequence[NDArray[Any]], tile: int, columns: int) -> bytes:
    """PNG bytes: each image (H, W, C) of uint8, fitted into a square of ``tile`` pixels with its aspect kept."""
    from PIL import Image

    rows = max(1, -(-len(images) // columns))
    sheet = Image.new("RGB", (columns * tile, rows * tile))
    for i, pixels in enumerate(images):
        shown = fitted(np.asarray(as_picture(pixels)), tile)
        height, width = shown.shape[:2]
        place = ((i % columns) * tile + (tile - width) // 2, (i // columns) * tile + (tile - height) // 2)
        sheet.paste(Image.fromarray(shown), place)
    return png(np.asarray(sheet))


def as_picture(pixels: NDArray[Any]) -> Any:
    """(H, W, C) uint8 or uint16 of any number of channels to an RGB picture: the first three channels, or grey."""
    from PIL import Image

    data = (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
    if data.shape[-1] < 3:
        return Image.fromarray(np.repeat(data[..., :1], 3, axis=-1))
    return Image.fromarray(np.ascontiguousarray(data[..., :3]))
