"""Saliency as pictures: of each image its map, coloured alone and over the image, and all encoders side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from vesalius import figures
from vesalius.files import atomic_write

Numbers = Float[np.ndarray, "height width"]
_ROWS = 12
"""Images on one sheet, at most."""


def written(folder: Path, run: Path, name: str, image: UInt8[np.ndarray, "height width 3"], values: Numbers, colours: str, alpha: float) -> dict[str, str]:
    """``NAME.png`` (the image), ``NAME.npy`` (the map), ``NAME-heat.png`` and ``NAME-overlay.png`` in ``folder``; their places in ``run``."""
    low, high = float(values.min()), float(values.max())
    buffer = BytesIO()
    np.save(buffer, values)
    made = {
        "image": (f"{name}.png", figures.png(image)),
        "map": (f"{name}.npy", buffer.getvalue()),
        "heat": (f"{name}-heat.png", figures.png(figures.coloured(values, low, high, colours))),
        "overlay": (f"{name}-overlay.png", figures.png(figures.overlaid(image, values, alpha, colours))),
    }
    for file, content in made.values():
        atomic_write(folder / file, content)
    return {what: (folder / file).relative_to(run).as_posix() for what, (file, _) in made.items()}


def sheets(run: Path, rows: Sequence[Mapping[str, Any]], colours: str) -> list[dict[str, str]]:
    """``saliency/DATASET.png`` of each data set: a row for each image of ``rows`` (as ``results.json`` has them), itself and then under the
    map of each encoder, with its attentive diffusion. Returns data sets and files.
    """
    made = []
    for data in dict.fromkeys(row["data"] for row in rows):
        here = [row for row in rows if row["data"] == data]
        names, ids = (list(dict.fromkeys(row[key] for row in here)) for key in ("encoder", "id"))
        of = {(row["encoder"], row["id"]): row for row in here}
        pictures: list[list[NDArray[np.uint8] | None]] = []
        captions = []
        for one in ids[:_ROWS]:
            each = [of.get((name, one)) for name in names]
            first = next(row for row in each if row is not None)
            pictures.append([_read(run / first["image"]), *(None if row is None else _read(run / row["overlay"]) for row in each)])
            captions.append(["", *("" if row is None else f"{row['diffusion']:.1f} %" for row in each)])
        sheet = figures.grid(pictures, [one[:8] for one in ids[:_ROWS]], ["the image", *names], captions=captions, bar=(0.0, 1.0, colours, _BAR), tile=160)
        file = run / "saliency" / f"{data}.png"
        atomic_write(file, sheet)
        made.append({"data": data, "file": file.relative_to(run).as_posix()})
    return made


_BAR = "saliency, from each map's least (0) to its most (1); below: attentive diffusion"


def _read(file: Path) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(file) as picture:
        return np.array(picture.convert("RGB"))
