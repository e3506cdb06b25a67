"""Gaussian noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from vesalius.views import bank
from vesalius.views.operation import Chance, Interval, Occasional, Parameters, Pixelwise, Values, between


class Noise(Pixelwise, Occasional):
    """Independent normal noise for each pixel, a slice of one bank."""

    name = "noise"
    sized = True

    p: float = Field(default=0.5, ge=0, le=1)
    std: float | Interval = 0.05
    """Standard deviation, images being in [0, 1]; of a range one is drawn for each image."""
    grey: bool = False
    """Whether one field serves all channels; else each has its own."""
    clamp: Literal["unit", "own"] = "unit"
    """Where values end: at 0 and 1, or at the least and the largest value that the image itself had."""

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        u = chance(3)
        interval = self.std if isinstance(self.std, tuple) else (self.std, self.std)
        std = np.where(self.chosen(chance, u[:, 0]), between(interval, u[:, 1]), 0.0)
        return {"std": std.astype(np.float32), "offset": bank.offsets(u[:, 2], self._numbers(channels, size))}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("std") > 0)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        planes = 1 if self.grey else x.shape[1]
        noise = bank.slices(p.device("offset"), self._numbers(planes, x.shape[2:])).view(len(x), planes, *x.shape[2:])
        if self.clamp == "unit":
            return x.addcmul_(noise, p.device("std")).clamp_(0, 1)
        low, high = (found.view(-1, *[1] * (x.ndim - 1)) for found in (x.flatten(1).amin(1), x.flatten(1).amax(1)))
        x.addcmul_(noise, p.device("std"))
        return torch.clamp(x, low, high, out=x)

    def _numbers(self, channels: int, size: Sequence[int]) -> int:
        """Numbers of one image's noise."""
        return (1 if self.grey else channels) * math.prod(size)
