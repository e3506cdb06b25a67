"""The pictures of a reconstruction: what was found, what the encoder saw, and a filmstrip from noise to the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from torch import Tensor

from vesalius import figures
from vesalius.files import atomic_write
from vesalius.report.wording import count

_TILE = 128


def pixels(image: Tensor) -> UInt8[np.ndarray, "rows columns 3"]:
    """A picture (C, rows, columns) in colours for a person: held in [0, 1], grey three times, of more than three channels the first three."""
    colours = image[:3] if image.shape[0] >= 3 else image[:1].expand(3, -1, -1)
    shown = (colours.float().clamp(0, 1) * 255).round().byte()
    return np.ascontiguousarray(shown.permute(1, 2, 0).cpu().numpy())


def draw(folder: Path, name: str, found: Tensor, seen: Tensor, frames: Tensor, at: Sequence[int], errors: Sequence[float], original: bool) -> dict[str, str]:
    """Write ``NAME.png``, its filmstrip and, where ``original``, what the encoder saw; their names. ``frames`` (F, C, rows, columns) of uint8 are of
    iterations ``at``, with the ``errors`` they had.
    """
    files = {"image": f"{name}.png", "strip": f"{name}.strip.png"}
    atomic_write(folder / files["image"], figures.png(pixels(found)))
    if original:
        atomic_write(folder / f"{name}.original.png", figures.png(pixels(seen)))
    steps = [pixels(frame.float() / 255) for frame in frames]
    words = [f"error {error:.3f}" for error in errors]
    titles = ["seen by the encoder", *(f"iteration {count(one)}" for one in at)]
    strip = figures.grid([[pixels(seen), *steps]], [], titles, captions=[["", *words]], tile=_TILE)
    atomic_write(folder / files["strip"], strip)
    return files
