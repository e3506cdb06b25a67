"""Inverted values: a negative."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor
from typing_extensions import override

from vesalius.views.operation import Parameters, Switched


class Invert(Switched):
    """Values become one minus themselves (torchvision's ``RandomInvert``). Of images of two or three dimensions."""

    name = "invert"

    p: float = Field(default=0.5, ge=0, le=1)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        return x.neg_().add_(1)
