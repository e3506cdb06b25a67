"""From a decoded image to what is stored of it: cut to its box, its channels, its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vesalius.data.outcomes import Decoded, Kind, Unreadable
from vesalius.data.settings import LONGEST, StoreSettings


def reduced(decoded: Decoded, box: Sequence[float] | None, settings: StoreSettings) -> Decoded:
    """``decoded`` with pixels (C, H, W), contiguous, as ``settings`` ask; ``box`` is x, y, width, height in px.

    Grey stays one channel even where three are asked for: the store repeats it when reading. Raises Unreadable when
    the box misses the image, or the channels cannot become what is asked for.
    """
    pixels = decoded.pixels if box is None else _cut(decoded.pixels, box)
    pixels = _channels(pixels, settings)
    height, width = pixels.shape[:2]
    target = reduced_size(height, width, settings)
    if target != (height, width):
        pixels = _resized(pixels, target)
    return replace(decoded, pixels=np.ascontiguousarray(np.moveaxis(pixels, -1, 0)))


def reduced_size(height: int, width: int, settings: StoreSettings) -> tuple[int, int]:
    """The stored (height, width) of an image; never larger than it was."""
    if settings.size == "native":
        return height, width
    factor = min(1.0, settings.size / min(height, width), LONGEST * settings.size / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def _cut(pixels: NDArray[Any], box: Sequence[float]) -> NDArray[Any]:
    height, width = pixels.shape[:2]
    x, y, w, h = box
    left, top = max(0, int(np.floor(x))), max(0, int(np.floor(y)))
    right, bottom = min(width, int(np.ceil(x + w))), min(height, int(np.ceil(y + h)))
    if left >= right or top >= bottom:
        place = f"({x:g}, {y:g}, {w:g}, {h:g})"
        raise Unreadable(Kind.OUTSIDE, f"Its box {place} misses the image of {width} x {height} pixels.")
    return pixels[top:bottom, left:right]


def _channels(pixels: NDArray[Any], settings: StoreSettings) -> NDArray[Any]:
    count = pixels.shape[-1]
    wanted = settings.channels
    if wanted == "keep" or count == wanted or (count, wanted) == (1, 3):
        return pixels
    if (count, wanted) != (3, 1):
        also = "; use channels: keep" if wanted in (1, 3) else ""
        raise Unreadable(Kind.UNSUPPORTED, f"It has {count} channel{'s' * (count != 1)}, which cannot become {wanted}{also}.")
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).convert("L"))[..., None]
    luma: NDArray[Any] = np.rint(pixels @ np.array([0.299, 0.587, 0.114]))  # ITU-R 601-2, as Pillow's
    return luma.astype(pixels.dtype)[..., None]


def _resized(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Lanczos over the whole footprint (anti-aliased); overshoot is clipped to the type's range."""
    height, width = size
    if pixels.dtype == np.uint8 and pixels.shape[-1] in (1, 3):
        image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))
        small = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0))
        return small.reshape(height, width, -1)
    out = np.empty((height, width, pixels.shape[-1]), pixels.dtype)
    for channel in range(pixels.shape[-1]):
        plane = Image.fromarray(np.ascontiguousarray(pixels[..., channel], np.float32))
        small = np.asarray(plane.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0))
        out[..., channel] = np.clip(np.rint(small), 0, np.iinfo(pixels.dtype).max)
    return out
