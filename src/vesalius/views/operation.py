"""What an operation is: a frozen configuration that draws numbers on the host and applies them on the device.

One family of operations is one file in ``vesalius.views.operations``; every ``Geometry`` or ``Pixelwise`` class there
that has a ``name`` can be used in a recipe.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from torch import Tensor
from typing_extensions import override

from vesalius import random
from vesalius.data.to_device import to_device
from vesalius.data.volumes.ground import Ground
from vesalius.errors import UserError
from vesalius.views.frame import Frame

Values = Mapping[str, NDArray[Any]]
"""Drawn parameters of one operation by name, each with the batch as first dimension."""


def _low_to_high(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError(f"runs from {value[0]} down to {value[1]}; write the smaller number first")
    return value


Interval = Annotated[tuple[float, float], AfterValidator(_low_to_high)]
"""``[low, high]``, from which numbers are drawn uniformly."""


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


@dataclass(frozen=True)
class Parameters:
    """Values of one operation for some items, in numpy and as tensors.

    Vectors of numbers have the shape (N, 1, 1, 1) on the device, ready to meet images (N, C, height, width), and one axis
    more where they are to meet volumes.
    """

    values: Values
    tensors: Mapping[str, Tensor]
    items: slice | NDArray[np.integer] = field(default_factory=lambda: slice(None))
    """Which of the items these are; applied when a value is asked for."""

    @staticmethod
    def of(values: Values, device: torch.device, dims: int = 2) -> Parameters:
        """All of them moved once, so that what follows only slices; for images or volumes of ``dims`` axes."""
        tensors = {}
        for name, value in values.items():
            array = value.astype(np.float32) if value.dtype.kind == "f" else value
            tensor = to_device(np.ascontiguousarray(array), device)
            tensors[name] = tensor.view(-1, *[1] * (dims + 1)) if tensor.ndim == 1 else tensor
        return Parameters(values, tensors)

    def host(self, name: str) -> NDArray[Any]:
        """``(N, ...)`` as drawn or prepared."""
        chosen: NDArray[Any] = self.values[name][self.items]
        return chosen

    def device(self, name: str) -> Tensor:
        """The same on the device; a vector as (N, 1, 1, 1), for volumes (N, 1, 1, 1, 1)."""
        tensor = self.tensors[name]
        if isinstance(self.items, slice):
            return tensor[self.items]
        return tensor.index_select(0, to_device(self.items, tensor.device))

    def of_items(self, items: slice) -> Parameters:
        """Those of a run of all the items."""
        return replace(self, items=items)

    def chosen(self, which: NDArray[np.integer]) -> Parameters:
        """Those of some of these items, by number."""
        assert isinstance(self.items, slice)
        return replace(self, items=which + (self.items.start or 0))


class Operation(BaseModel):
    """Base of every operation. Its fields are what a recipe may set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str] = ""
    """What a recipe calls it."""
    dims: ClassVar[tuple[int, ...]] = (2, 3)
    """Axes of the images that it is for: 2, or 3 for volumes."""
    sized: ClassVar[bool] = False
    """Whether its numbers are made for one size of view (so that groups of unlike sizes cannot share them)."""
    tells: ClassVar[tuple[str, ...]] = ()
    """Drawn values that a method gets to see, as ``batch.drawn["NAME/GROUP"]``."""

    @classmethod
    def parameters(cls) -> list[str]:
        """What a recipe may set, by the names it is written with."""
        return [found.alias or name for name, found in cls.model_fields.items()]

    def check(self, channels: int) -> None:
        """Raise UserError where the operation has no meaning for images of ``channels`` channels."""


class Geometry(Operation):
    """Moves pixels. All of a view's geometry is composed into one sampling of the stored pixels."""

    turns: ClassVar[bool] = False
    """Whether the map may rotate or shear (else rows stay rows and columns stay columns)."""

    def draw(self, chance: Chance, canvas: NDArray[np.float64], size: tuple[int, ...]) -> Values:
        """Parameters for a ``canvas`` (B, d) (height, width; or x, y, z) that shall end up ``size`` pixels long."""
        return {}

    def canvas(self, canvas: NDArray[np.float64], size: tuple[int, ...]) -> NDArray[np.float64]:
        """The canvas (B, d) after the operation; it never depends on what was drawn."""
        return canvas

    @abstractmethod
    def place(self, frame: Frame, values: Values, size: tuple[int, ...]) -> Frame:
        """The frame with this operation added."""


class Window(Geometry):
    """Chooses what is read of each volume; the first of the shared operations of a recipe for volumes, and only there."""

    dims: ClassVar[tuple[int, ...]] = (3,)

    @abstractmethod
    def windows(
        self, chance: Chance, extents: NDArray[np.int64], size: tuple[int, ...], ground: Ground | None
    ) -> NDArray[np.int64]:
        """``(B, R, 2, d)``: first voxel of each window and the one after its last, inside the ``extents`` (B, d)."""

    def sides(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """Voxels per side of a window for views of ``size``."""
        return size

    @override
    def canvas(self, canvas: NDArray[np.float64], size: tuple[int, ...]) -> NDArray[np.float64]:
        return np.maximum(np.minimum(canvas, self.sides(size)), size)

    @override
    def place(self, frame: Frame, values: Values, size: tuple[int, ...]) -> Frame:
        # A window smaller than the view lies in its middle: what is around it is 0.
        out = np.maximum(frame.canvas, size)
        return frame.crop(np.concatenate([np.floor((frame.canvas - out) / 2), out], axis=1), out)


class Pixelwise(Operation):
    """Changes values on the device, after the sampling."""

    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        """Parameters of the images in one view."""
        return {}

    def prepare(self, values: Values, channels: int) -> Values:
        """What ``apply`` needs of the drawn values: worked out on the host, once for the whole batch."""
        return values

    def active(self, p: Parameters) -> NDArray[np.bool_] | None:
        """``(N,)``: which items change at all; None for every one."""
        return None

    @abstractmethod
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        """``x`` (N, C, *size), which may be changed in place, for the prepared parameters of its N items."""

    def into(self, source: Tensor, out: Tensor, p: Parameters) -> Tensor:
        """``change`` of ``source``, left as it is, written to ``out``; both (N, C, *size)."""
        changed = self.change(out.copy_(source), p)
        return out if changed is out else out.copy_(changed)

    def change(self, x: Tensor, p: Parameters) -> Tensor:
        """``apply`` on the items of ``x`` (N, C, *size) that change; the others are not touched."""
        active = self.active(p)
        if active is None or active.all():
            return self.apply(x, p)
        which = np.flatnonzero(active)
        if len(which) == 0:
            return x
        rows = to_device(which, x.device)
        return x.index_copy_(0, rows, self.apply(x.index_select(0, rows), p.chosen(which)))


class Occasional(Operation):
    """What happens with probability ``p``, and only in the views named."""

    p: float = Field(default=1.0, ge=0, le=1)
    """Probability for each image and view."""
    views: tuple[int, ...] | None = None
    """Numbers of the views it may happen in, from 0; all when absent."""

    def chosen(self, chance: Chance, u: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which images it happens to, from uniform numbers ``u`` (B,)."""
        return (u < self.p) & (self.views is None or chance.view in self.views)


class Switched(Pixelwise, Occasional):
    """Changes the values of an image, always alike, or leaves them."""

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        return {"on": self.chosen(chance, chance(1)[:, 0])}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("on"), bool)


def between(interval: tuple[float, float], u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Uniform numbers ``u`` (B,) in [0, 1) stretched over ``interval``."""
    low, high = interval
    return low + (high - low) * u


def refuse(message: str) -> UserError:
    """The error for a recipe that cannot be used."""
    return UserError(f"{message} See docs/views.md for the operations and their parameters.")
