"""Maps of numbers in colours, alone and over the picture that they speak of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vesalius.errors import UserError

MAPS = ("viridis", "magma", "cividis", "inferno", "jet")
"""Names of matplotlib's colour maps. All but jet, which the original drew with, rise evenly in lightness."""
UNKNOWN = (190, 190, 190)
"""What is not a number."""


def coloured(values: ArrayLike, low: float, high: float, name: str = "viridis") -> NDArray[np.uint8]:
    """(H, W, 3) colours of the numbers ``values`` (H, W): ``low`` and what is below is the map's first colour, ``high`` its last.

    What is not a number is grey. With ``low`` = ``high`` all is the first colour. Raises UserError for a map that is not in ``MAPS``.
    """
    if name not in MAPS:
        raise UserError(f"There is no colour map called {name!r}. Choose one of {', '.join(MAPS)}.")
    from matplotlib import colormaps

    found = np.asarray(values, dtype=np.float64)
    span = high - low
    share = np.clip((found - low) / span, 0, 1) if span > 0 else np.where(np.isnan(found), np.nan, 0.0)
    colours = np.asarray(colormaps[name](np.nan_to_num(share), bytes=True))[..., :3].astype(np.uint8)
    return np.where(np.isnan(found)[..., None], np.array(UNKNOWN, dtype=np.uint8), colours)


def overlaid(
    image: NDArray[np.uint8],
    values: ArrayLike,
    alpha: float = 0.6,
    name: str = "viridis",
    *,
    low: float | None = None,
    high: float | None = None,
) -> NDArray[np.uint8]:
    """(H, W, 3): ``image`` (H, W), (H, W, 1) or (H, W, 3) under the colours of ``values``, which hide the share ``alpha`` of it.

    A map of another size than the image is stretched over it. ``low`` and ``high``: the ends of the colours, by default those of
    the map itself. The image shows as it is where the map is not a number.
    """
    under = in_colour(image)
    over = _stretched(np.asarray(values, dtype=np.float64), under.shape[:2])
    known = over[np.isfinite(over)]
    ends = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    colours = coloured(over, ends[0] if low is None else low, ends[1] if high is None else high, name)
    share = np.where(np.isnan(over), 0.0, alpha)[..., None]
    return np.asarray(np.rint(under * (1 - share) + colours * share), dtype=np.uint8)


def in_colour(image: NDArray[Any]) -> NDArray[np.uint8]:
    """(H, W, 3) of a picture of uint8 (H, W) or (H, W, C): grey in three channels, the first three of more, the first of two."""
    held = np.asarray(image)
    if held.dtype != np.uint8:
        raise TypeError(f"pictures are of uint8, not of {held.dtype}")
    whole = held[..., None] if held.ndim == 2 else held
    return np.ascontiguousarray(whole[..., :3] if whole.shape[-1] >= 3 else np.repeat(whole[..., :1], 3, axis=-1))


def _stretched(values: NDArray[np.float64], size: tuple[int, ...]) -> NDArray[np.float64]:
    """``values`` on the grid ``size`` (height, width), bilinear."""
    if values.shape == size:
        return values
    from PIL import Image

    stretched = Image.fromarray(values.astype(np.float32)).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(stretched, dtype=np.float64)
