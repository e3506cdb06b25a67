"""Fewer grey levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor
from typing_extensions import override

from vesalius.views.operation import Chance, Occasional, Parameters, Pixelwise, Values

WHOLE = 8
"""Bits at which nothing is left out."""


class Posterise(Pixelwise, Occasional):
    """Of each value so many leading bits are kept (torchvision's ``RandomPosterize``). Of images of two or three dimensions.

    As torchvision has it of floats: the lower end of each of 2^bits equal steps from 0 to 1, so that white becomes 1 - 2^-bits.
    """

    name = "posterise"

    p: float = Field(default=0.5, ge=0, le=1)
    bits: tuple[int, int] = (4, 8)
    """Least and most bits, each number as likely; 8 leave the image as it is."""

    @field_validator("bits")
    @classmethod
    def _from_one_to_eight(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= value[0] <= value[1] <= WHOLE:
            raise ValueError("must be two whole numbers from 1 to 8, the smaller first")
        return value

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        u = chance(2)
        bits = self.bits[0] + np.floor(u[:, 1] * (self.bits[1] - self.bits[0] + 1)).astype(np.int64)
        return {"bits": np.where(self.chosen(chance, u[:, 0]), bits, WHOLE)}

    @override
    def prepare(self, values: Values, channels: int) -> Values:
        return {"levels": np.exp2(np.asarray(values["bits"], np.float64))}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("levels") < 2**WHOLE)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        levels = p.device("levels")
        return x.mul_(levels).floor_().clamp_(min=0).minimum(levels - 1).div_(levels)
