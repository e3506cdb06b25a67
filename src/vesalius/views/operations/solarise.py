"""Solarisation: bright pixels are inverted (BYOL, appendix B)."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from vesalius.views.operation import Parameters, Switched


class Solarise(Switched):
    """Values from ``threshold`` on become one minus themselves."""

    name = "solarise"

    p: float = Field(default=0.2, ge=0, le=1)
    threshold: float = Field(default=0.5, ge=0, le=1)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        return torch.where(x >= self.threshold, 1 - x, x)
