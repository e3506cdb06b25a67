"""Pictures as data in the page: within a budget of bytes, so that the page stays one file of bearable size."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops

_KINDS = (("png", 0), ("webp", 90), ("webp", 75))


def open_picture(path: Path) -> Image.Image | None:
    """The picture at ``path`` in RGB or grey, fully decoded; None when it is no readable picture."""
    try:
        with Image.open(path) as image:
            image.load()
            colour = image.mode not in ("1", "L", "I", "I;16", "F")
            return _grey_if_it_is(image.convert("RGB")) if colour else image.convert("L")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def data_uri(image: Image.Image, budget: int) -> tuple[str, float]:
    """``image`` as a ``data:`` address of at most ``budget`` bytes, and the factor by which it was shrunk (1: not).

    PNG where it fits, then WebP at falling quality, then half the size. Empty when even 1/16 is too large.
    """
    factor = 1.0
    while factor >= 1 / 16:
        picture = image if factor == 1.0 else image.resize(_scaled(image, factor), Image.Resampling.LANCZOS)
        for kind, quality in _KINDS:
            if max(picture.size) > 16383 and kind == "webp":  # the format's limit
                continue
            buffer = BytesIO()
            picture.save(buffer, kind, compress_level=6, quality=quality)
            if buffer.tell() * 4 // 3 + 32 <= budget:
                return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}", factor
        factor /= 2
    return "", factor


def _grey_if_it_is(image: Image.Image) -> Image.Image:
    """A colour picture without colour as one channel: a third of the bytes."""
    red, green, blue = image.split()
    same = ImageChops.difference(red, green).getbbox() is None and ImageChops.difference(red, blue).getbbox() is None
    return red if same else image


def _scaled(image: Image.Image, factor: float) -> tuple[int, int]:
    return max(1, round(image.width * factor)), max(1, round(image.height * factor))
