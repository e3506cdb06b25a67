"""Random erasing (Zhong et al. 2020)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from vesalius.views.operation import Chance, Interval, Occasional, Parameters, Pixelwise, Values, between

_TRIES = 10


class Erasing(Pixelwise, Occasional):
    """A box of random area and aspect ratio is filled with one value (torchvision's ``RandomErasing``).

    Ten boxes are tried; when none is smaller than the view, nothing is erased.
    """

    name = "erasing"
    dims = (2,)
    sized = True

    p: float = Field(default=0.5, ge=0, le=1)
    scale: Interval = (0.02, 0.33)
    """Area of the box as a share of the view's."""
    ratio: Interval = (0.3, 3.3)
    """Height over width of the box; the logarithm is drawn uniformly."""
    value: float = 0.0
    """What the box is filled with, where black is 0 and white 1."""

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        u = chance(2 * _TRIES + 3)
        low, high = np.log(self.ratio)
        area = size[0] * size[1] * between(self.scale, u[:, 1 : 1 + _TRIES])
        ratio = np.exp(between((low, high), u[:, 1 + _TRIES : 1 + 2 * _TRIES]))
        h, w = np.rint(np.sqrt(area * ratio)), np.rint(np.sqrt(area / ratio))
        fits = (h < size[0]) & (w < size[1])
        first = np.argmax(fits, axis=1).reshape(-1, 1)
        sides = np.concatenate([np.take_along_axis(h, first, 1), np.take_along_axis(w, first, 1)], axis=1)
        corner = np.floor(u[:, 1 + 2 * _TRIES :] * (np.asarray(size) - sides + 1))
        on = self.chosen(chance, u[:, 0]) & np.any(fits, axis=1)
        box = np.concatenate([corner, sides], axis=1)
        return {"box": np.where(on.reshape(-1, 1), box, 0).astype(np.int32)}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray((p.host("box")[:, 2:] > 0).all(axis=1))

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        if x.device.type == "cpu":
            for image, (top, left, height, width) in zip(x, p.host("box").tolist()):
                image[:, top : top + height, left : left + width] = self.value
            return x
        top, left, height, width = p.device("box").unsqueeze(2).unbind(1)
        down, across = (torch.arange(side, device=x.device, dtype=torch.int32) for side in x.shape[2:])
        rows, columns = (down >= top) & (down < top + height), (across >= left) & (across < left + width)
        return x.masked_fill_((rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1), self.value)
