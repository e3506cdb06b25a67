"""Sharper or softer edges."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor
from typing_extensions import override

from vesalius.views.operation import Chance, Interval, Occasional, Parameters, Pixelwise, Values, between

SMOOTH = ((1, 1, 1), (1, 5, 1), (1, 1, 1))
"""What softens, over its sum (as in Pillow and torchvision)."""


class Sharpness(Pixelwise, Occasional):
    """Away from a softened image, or towards it (torchvision's ``adjust_sharpness``); the outermost pixels stay as they are.

    Values are clamped to [0, 1].
    """

    name = "sharpness"
    dims = (2,)

    p: float = Field(default=0.5, ge=0, le=1)
    factor: Interval = (0.0, 2.0)
    """0 is softened, 1 the image itself, 2 twice as far from the softened."""

    @field_validator("factor")
    @classmethod
    def _not_negative(cls, value: Interval) -> Interval:
        if value[0] < 0:
            raise ValueError("must be 0 or more")
        return value

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        u = chance(2)
        return {"factor": np.where(self.chosen(chance, u[:, 0]), between(self.factor, u[:, 1]), 1.0).astype(np.float32)}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("factor") != 1)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        if min(x.shape[2:]) <= 2:
            return x  # nothing but outermost pixels
        channels = x.shape[1]
        kernel = torch.tensor(SMOOTH, dtype=x.dtype, device=x.device)
        soft = F.conv2d(x, (kernel / kernel.sum()).expand(channels, 1, 3, 3), groups=channels)
        inner = x[..., 1:-1, 1:-1]
        inner.copy_(torch.lerp(soft, inner, p.device("factor")))
        return x.clamp_(0, 1)
