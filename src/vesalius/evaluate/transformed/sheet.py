"""A picture of what is done to an image: a line for each transform, the image itself first, then some of its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vesalius.evaluate.transformed.grids import thinned
from vesalius.evaluate.transformed.transforms import TRANSFORMS
from vesalius.evaluate.transformed.viewing import pictures
from vesalius.figures import sheets

if TYPE_CHECKING:
    from vesalius.evaluate.pairs.pair import Pair

FILE = "transforms.png"
COLUMNS = 8


def sheet(pair: Pair, row: int, names: Sequence[str] = tuple(TRANSFORMS), *, compat: bool = False, columns: int = COLUMNS, tile: int = 96) -> bytes:
    """PNG bytes: record ``row`` of the pair's data at the encoder's size under each transform of ``names``, before its card changes values.

    At most ``columns`` parameters of each, spread over its grid, with their values below; of ``compat``, over the original's.
    """
    at = np.array([row])
    lines, captions = [], []
    for name in names:
        transform = TRANSFORMS[name]
        some = sorted(thinned(transform.parameters(compat), columns), key=transform.place)
        made = pictures(pair, at, transform, [transform.identity, *some], prepared=False)[0]
        lines.append([_colours(image) for image in made])
        captions.append(["as it is", *map(transform.said, some)])
    return sheets.grid(lines, [TRANSFORMS[name].title for name in names], captions=captions, tile=tile)


def _colours(image: Tensor) -> NDArray[np.uint8]:
    """``(height, width, 3)`` of 8 bits: the first three channels, or the first alone as grey."""
    shown = image[:3] if len(image) >= 3 else image[:1].expand(3, *image.shape[1:])
    return (shown.clamp(0, 1) * 255).round().byte().movedim(0, -1).cpu().numpy()
