"""Brightness and contrast of volumes, whose values need not lie between 0 and 1."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from vesalius.views.operation import Chance, Interval, Occasional, Parameters, Pixelwise, Values, between


class _OneNumber(Pixelwise, Occasional):
    """One number for each view, uniformly drawn; ``neutral`` changes nothing."""

    dims: ClassVar[tuple[int, ...]] = (3,)
    neutral: ClassVar[float]

    @property
    @abstractmethod
    def interval(self) -> Interval:
        """What the number is drawn from."""

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        u = chance(2)
        drawn = np.where(self.chosen(chance, u[:, 0]), between(self.interval, u[:, 1]), self.neutral)
        return {"number": drawn.astype(np.float32)}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("number") != self.neutral)


class ShiftIntensity(_OneNumber):
    """A number is added to every value (MONAI's ``RandShiftIntensity``)."""

    name = "shift_intensity"
    neutral: ClassVar[float] = 0.0

    offset: float | Interval = 0.1
    """What is added; a number s stands for [-s, s]."""

    @property
    @override
    def interval(self) -> Interval:
        return self.offset if isinstance(self.offset, tuple) else (-abs(self.offset), abs(self.offset))

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        return x.add_(p.device("number"))


class _Factor(_OneNumber):
    """A number around 1."""

    neutral: ClassVar[float] = 1.0

    factor: float | Interval = 0.1
    """What is multiplied by; a number s stands for [1 - s, 1 + s]."""

    @property
    @override
    def interval(self) -> Interval:
        return self.factor if isinstance(self.factor, tuple) else (1 - abs(self.factor), 1 + abs(self.factor))


class ScaleIntensity(_Factor):
    """Every value is multiplied by a number (MONAI's ``RandScaleIntensity``)."""

    name = "scale_intensity"

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        return x.mul_(p.device("number"))


class Contrast(_Factor):
    """Each channel's distance from its mean times a number, cut off at its own least and largest value (nnU-Net's)."""

    name = "contrast"

    factor: float | Interval = Field(default=(0.75, 1.25))

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        flat = x.flatten(2)
        shape = (*x.shape[:2], *[1] * (x.ndim - 2))
        mean, low, high = (found.view(shape) for found in (flat.mean(2), flat.amin(2), flat.amax(2)))
        torch.lerp(mean.expand_as(x), x, p.device("number"), out=x)
        return torch.clamp(x, low, high, out=x)
