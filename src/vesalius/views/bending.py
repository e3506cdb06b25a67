"""Smooth displacements added to where pixels come from."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.to_device import to_device
from vesalius.views import bank
from vesalius.views.frame import Bend


def bend(
    by: Bend, x: Tensor, y: Tensor, items: NDArray[np.integer], unit: tuple[float, float] = (1.0, 1.0)
) -> Tensor | None:
    """Move ``x`` and ``y`` (n, height, width), places in the window of the pixels of items ``items`` (n,), in place.

    ``unit``: what a stored pixel is worth in the numbers of ``x`` and ``y``.
    Returns what may be seen, (n, height, width) of 0 and 1: what lies beyond the bent canvas may not. None where everything may.
    """
    veil: Tensor | None = None
    size = x.shape[1:]
    for place, item in enumerate(items.tolist()):
        alpha = float(by.alpha[item])
        if alpha == 0:
            continue
        rows, columns = (_line(by, item, axis, side) for axis, side in ((1, size[0]), (0, size[1])))
        dx, dy = (
            bank.window(by.sigma, top + rows[0], left + columns[0], x.device) for top, left in by.corner[item].tolist()
        )
        (xx, xy), (yx, yy) = (by.linear[item] * alpha * np.array(unit)[:, None]).tolist()
        x[place].add_(dx, alpha=xx).add_(dy, alpha=xy)
        y[place].add_(dx, alpha=yx).add_(dy, alpha=yy)
        inside = [_inside(line, side, alpha * bank.reach(by.sigma)) for line, side in ((columns, by.canvas[item, 1]), (rows, by.canvas[item, 0]))]
        if all(inside):
            continue
        veil = x.new_ones(x.shape) if veil is None else veil
        for moved, (_, at), side, axis in ((dx, columns, by.canvas[item, 1], 0), (dy, rows, by.canvas[item, 0], 1)):
            line = to_device(at.astype(np.float32), x.device)
            reached = torch.add(line.unsqueeze(axis), moved, alpha=alpha)
            veil[place].mul_((reached >= 0) & (reached <= side))
    return veil


def _line(by: Bend, item: int, axis: int, side: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pixel numbers and places on the bent canvas of a view's columns (axis 0) or rows (1)."""
    places = by.after[item, axis, axis] * (np.arange(side) + 0.5) + by.after[item, axis, 2]
    return np.floor(places).astype(np.int64), places


def _inside(line: tuple[NDArray[np.int64], NDArray[np.float64]], side: float, reach: float) -> bool:
    """Whether nothing that starts from these places gets off a canvas of ``side`` pixels."""
    return bool(line[1].min() >= reach and line[1].max() <= side - reach)
