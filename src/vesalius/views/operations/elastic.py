"""Elastic deformation (Simard et al. 2003)."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from vesalius.views import bank
from vesalius.views.operation import Chance, Occasional, Parameters, Pixelwise, Values
from vesalius.views.operations.blur import blur, reach


class Elastic(Pixelwise, Occasional):
    """Every pixel is taken from a place nearby: uniform noise in [-1, 1], smoothed, times ``alpha``; black from outside.

    One field serves all channels. It is a second sampling, after the geometry and in the order of the recipe.
    """

    name = "elastic"
    sized = True

    p: float = Field(default=0.5, ge=0, le=1)
    alpha: float = Field(default=25.0, ge=0)
    """Pixels that noise of 1 moves before smoothing (torchvision's ``alpha`` is twice this)."""
    sigma: float = Field(default=5.0, gt=0)
    """Standard deviation of the smoothing, in pixels."""

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, int]) -> Values:
        u = chance(2)
        alpha = np.where(self.chosen(chance, u[:, 0]), self.alpha, 0.0).astype(np.float32)
        return {"alpha": alpha, "offset": bank.offsets(u[:, 1], 2 * math.prod(size))}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("alpha") > 0)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        n, size = len(x), x.shape[2:]
        noise = bank.slices("uniform", p.device("offset"), 2 * math.prod(size)).view(n, 2, *size)
        sigma = np.full(n, self.sigma)
        field = blur(noise, sigma, np.minimum(reach(sigma), min(size) - 1)).mul_(p.device("alpha"))
        return F.grid_sample(x, _identity(x) + field.permute(0, 2, 3, 1) * _per_pixel(x), align_corners=False)


def _identity(x: Tensor) -> Tensor:
    """``(height, width, 2)``: the normalised place of each pixel of ``x``."""
    y, z = ((torch.arange(side, device=x.device) * 2 + 1) / side - 1 for side in x.shape[2:])
    return torch.stack([z.expand(len(y), -1), y.unsqueeze(1).expand(-1, len(z))], dim=-1)


def _per_pixel(x: Tensor) -> Tensor:
    """Normalised length of a pixel in x and y."""
    return torch.tensor([2 / x.shape[3], 2 / x.shape[2]]).to(x.device, non_blocking=True)
