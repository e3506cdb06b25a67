"""Solarisation: bright pixels are inverted (BYOL, appendix B)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from vesalius.views.operation import Chance, Occasional, Parameters, Pixelwise, Values


class Solarise(Pixelwise, Occasional):
    """Values from ``threshold`` on become one minus themselves."""

    name = "solarise"

    p: float = Field(default=0.2, ge=0, le=1)
    threshold: float = Field(default=0.5, ge=0, le=1)

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        return {"on": self.chosen(chance, chance(1)[:, 0])}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("on"), bool)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        return torch.where(x >= self.threshold, 1 - x, x)
