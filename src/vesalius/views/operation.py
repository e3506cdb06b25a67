"""What an operation is: a frozen configuration that draws numbers on the host and applies them on the device.

One family of operations is one file in ``vesalius.views.operations``; every ``Geometry`` or ``Pixelwise`` class there
that has a ``name`` can be used in a recipe.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor

from vesalius import random
from vesalius.errors import UserError
from vesalius.views.frame import Frame

Values = Mapping[str, NDArray[Any]]
"""Drawn parameters of one operation by name, each with the batch as first dimension."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Chance:
    """The random numbers of one operation in one view: a pure function of its fields, whatever else is in the batch."""

    seed: int
    epoch: int
    ids: NDArray[np.uint64]
    operation: str
    view: int = 0
    draw: NDArray[np.int64] | int = 0

    def __call__(self, n: int) -> NDArray[np.float64]:
        """``(B, n)`` uniform numbers in [0, 1). Called once by an operation."""
        return random.uniform(self.seed, self.epoch, self.ids, self.operation, n, view=self.view, draw=self.draw)

    def named(self, operation: str, view: int) -> Chance:
        """The numbers of another operation and view of the same samples."""
        return replace(self, operation=operation, view=view)


class Operation(BaseModel):
    """Base of every operation. Its fields are what a recipe may set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str] = ""
    """What a recipe calls it."""

    def check(self, channels: int) -> None:
        """Raise UserError where the operation has no meaning for images of ``channels`` channels."""


class Geometry(Operation):
    """Moves pixels. All of a view's geometry is composed into one sampling of the stored pixels."""

    turns: ClassVar[bool] = False
    """Whether the map may rotate or shear (else rows stay rows and columns stay columns)."""

    def draw(self, chance: Chance, canvas: NDArray[np.float64], size: tuple[int, int]) -> Values:
        """Parameters for a canvas (B, 2: height, width) that shall end up ``size`` pixels high and wide."""
        return {}

    def canvas(self, canvas: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
        """The canvas (B, 2) after the operation; it never depends on what was drawn."""
        return canvas

    @abstractmethod
    def place(self, frame: Frame, values: Values, size: tuple[int, int]) -> Frame:
        """The frame with this operation added."""


class Pixelwise(Operation):
    """Changes values on the device, after the sampling."""

    @abstractmethod
    def draw(self, chance: Chance, channels: int, size: tuple[int, int]) -> Values:
        """Parameters of the images in one view."""

    @abstractmethod
    def apply(self, x: Tensor, values: Values) -> Tensor:
        """``x`` (N, C, *size), which may be changed in place, with ``values`` for its N images."""


class Occasional(Operation):
    """What happens with probability ``p``, and only in the views named."""

    p: float = Field(default=1.0, ge=0, le=1)
    """Probability for each image and view."""
    views: tuple[int, ...] | None = None
    """Numbers of the views it may happen in, from 0; all when absent."""

    def chosen(self, chance: Chance, u: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which images it happens to, from uniform numbers ``u`` (B,)."""
        possible = self.views is None or chance.view in self.views
        return (u < self.p) & possible


class Ordered(BaseModel):
    """Mixin: every field that is an interval must run from low to high."""

    @field_validator("*")
    @classmethod
    def _low_to_high(cls, value: Any) -> Any:
        if isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, float) for v in value) and value[0] > value[1]:
            raise ValueError(f"runs from {value[0]} down to {value[1]}; write the smaller number first")
        return value


def between(interval: Interval, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Uniform numbers ``u`` in [0, 1) stretched over ``interval``."""
    low, high = interval
    return low + (high - low) * u


def column(values: NDArray[Any], like: Tensor, dims: int = 3) -> Tensor:
    """``values`` (N,) as a tensor (N, 1, ...) with ``dims`` ones, on the device and in the type of ``like``."""
    tensor = torch.from_numpy(np.ascontiguousarray(values)).to(like.device, like.dtype, non_blocking=True)
    return tensor.view(-1, *[1] * dims)


def refuse(message: str) -> UserError:
    """The error for a recipe that cannot be used."""
    return UserError(f"{message} See docs/views.md for the operations and their parameters.")
