"""Numbers of any type to the 8 or 16 bits that are stored, without losing what they meant."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.outcomes import Decoded, Kind, Unreadable

MAX_VALUES = 1 << 29
"""Pixels times channels (536 million) beyond which a file is taken for a decompression bomb."""


def check_size(height: int, width: int, channels: int = 1) -> None:
    """Raise Unreadable when an image of this size, read from a header, has no pixels or is bomb-sized."""
    if height < 1 or width < 1:
        raise Unreadable(Kind.CORRUPT, f"Its size is given as {width} x {height} pixels.")
    if height * width * channels > MAX_VALUES:
        size = f"{width} x {height} pixels of {channels} channel{'s' * (channels != 1)}"
        raise Unreadable(Kind.TOO_LARGE, f"It would unpack to {size}; more than {MAX_VALUES:,} values are not read.")


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """``pixels`` (H, W, C) turned as the Orientation tag of EXIF and TIFF says (1 to 8; anything else is ignored)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def over_black(pixels: NDArray[Any], notes: list[str], premultiplied: bool = False) -> NDArray[Any]:
    """(H, W, C + 1) with alpha last to (H, W, C): colour times alpha, so that what nobody sees is black."""
    colour: NDArray[Any] = pixels[..., :-1]
    alpha: NDArray[Any] = pixels[..., -1:]
    white = np.iinfo(pixels.dtype).max
    if premultiplied or (alpha == white).all():
        notes.append("alpha dropped")
        return colour
    notes.append("alpha composited over black")
    out: NDArray[Any] = ((colour.astype(np.uint64) * alpha + white // 2) // white).astype(pixels.dtype)
    return out


def to_storable(values: NDArray[Any], bits: int | None = None, **rest: Any) -> Decoded:
    """``values`` (H, W, C) of any real type to Decoded.

    uint8 and uint16 stay as they are, white being ``2**bits - 1``; bool becomes 0 and 255. Floats within [0, 1] keep
    that range, all others are spread from their own least to their greatest value over 16 bits (error at most half a
    step: (high - low) / 131070). Raises Unreadable for NaN, infinite and complex values.
    """
    kind = values.dtype.kind
    if kind == "b":
        return Decoded(values.astype(np.uint8) * 255, 1 / 255, **rest)
    if kind == "u" and values.dtype.itemsize <= 2:
        native = values.astype(values.dtype.newbyteorder("="), copy=False)
        white = 2 ** (bits or 8 * values.dtype.itemsize) - 1
        return Decoded(native, 1 / white, high=float(white), **rest)
    if kind not in "uif":
        raise Unreadable(Kind.UNSUPPORTED, f"Its pixels are of type {values.dtype}, which is not read.")
    if kind == "f" and not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise Unreadable(Kind.NOT_FINITE, f"{count} of its pixel values are NaN or infinite.")
    low, high = float(values.min()), float(values.max())
    if kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    spread = (values.astype(np.float64) - low) / (high - low) if high > low else np.zeros(values.shape)
    notes = (*rest.pop("notes", ()), f"{values.dtype} from {low:g} to {high:g} spread over 16 bits")
    return Decoded(np.rint(spread * 65535).astype(np.uint16), 1 / 65535, low=low, high=high, notes=notes, **rest)
