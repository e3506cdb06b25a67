"""Gaussian noise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from vesalius.views import bank
from vesalius.views.operation import Chance, Interval, Occasional, Parameters, Pixelwise, Values, between


class Noise(Pixelwise, Occasional):
    """Independent normal noise for each pixel and channel, a slice of one bank; the result is clamped to [0, 1]."""

    name = "noise"
    sized = True

    p: float = Field(default=0.5, ge=0, le=1)
    std: float | Interval = 0.05
    """Standard deviation, images being in [0, 1]; of a range one is drawn for each image."""

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, int]) -> Values:
        u = chance(3)
        interval = self.std if isinstance(self.std, tuple) else (self.std, self.std)
        std = np.where(self.chosen(chance, u[:, 0]), between(interval, u[:, 1]), 0.0)
        return {"std": std.astype(np.float32), "offset": bank.offsets(u[:, 2], channels * math.prod(size))}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("std") > 0)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        noise = bank.slices("normal", p.device("offset"), x[0].numel()).view_as(x)
        return x.addcmul_(noise, p.device("std")).clamp_(0, 1)
