"""Holes painted with noise, inside out or outside in, and blocks whose voxels change places (Zhou et al., "Models Genesis", 2019)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from torch import Tensor
from typing_extensions import override

from vesalius.views import bank
from vesalius.views.operation import Chance, Occasional, Parameters, Pixelwise, Values
from vesalius.views.patches import sides_of

INSIDE, OUTSIDE = 1, 2

Side = Annotated[int, Field(ge=1)]


def _rising(value: tuple[int, int]) -> tuple[int, int]:
    if value[0] > value[1]:
        raise ValueError(f"runs from {value[0]} down to {value[1]}; write the smaller number first")
    return value


class Holes(BaseModel):
    """``count`` boxes, each side of each drawn for itself: a whole number of voxels from the first of ``size`` to the second."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(default=6, ge=1)
    size: Annotated[tuple[Side, Side], AfterValidator(_rising)]


class Paint(Pixelwise, Occasional):
    """In-painting or out-painting, drawn for each view: noise in boxes, or everywhere but in boxes (MONAI's ``RandCoarseDropout``).

    The boxes lie inside the view, every place as likely, and may overlap; no side is longer than the view's. The noise is
    uniform between the view's own least and largest value. A method is told ``painted/GROUP``, (V, B, *size), true where
    there is noise now.
    """

    name = "paint"
    dims = (3,)
    sized = True

    inside: Holes = Holes(size=(5, 32))
    """The boxes that are filled."""
    outside: Holes = Holes(size=(20, 64))
    """The boxes that are left."""
    p_outside: float = Field(default=0.5, ge=0, le=1)
    """Probability that all but the boxes is filled, where anything is."""
    growing: bool = False
    """Whether each side is drawn from that of the box before it on, not from the least: MONAI's ``RandCoarseDropout`` overwrites
    its least size with what it drew, so that its boxes grow, and what is painted with them threefold."""

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        most, dims = max(self.inside.count, self.outside.count), len(size)
        u = chance(3 + 2 * most * dims)
        outside = u[:, 1] < self.p_outside
        kind = np.where(self.chosen(chance, u[:, 0]), np.where(outside, OUTSIDE, INSIDE), 0)
        drawn = u[:, 3:].reshape(-1, 2, most, dims)
        low, high, count = (
            np.where(outside, theirs, ours)
            for ours, theirs in zip((*self.inside.size, self.inside.count), (*self.outside.size, self.outside.count))
        )
        low, high = low[:, None], high[:, None]
        listed: list[NDArray[np.float64]] = []
        for box in range(most):
            least = listed[-1] if self.growing and listed else low
            listed.append(least + np.floor(drawn[:, 0, box] * (high - least + 1)))
        sides = np.stack(listed, axis=1)
        sides = np.minimum(sides, size) * (np.arange(most) < count[:, None])[..., None]
        start = np.floor(drawn[:, 1] * (np.asarray(size) - sides + 1)) * (sides > 0)
        holes = np.stack([start, start + sides], axis=2).astype(np.int32)
        return {"kind": kind.astype(np.int8), "holes": holes, "offset": bank.offsets(u[:, 2], channels * math.prod(size))}

    @override
    def telling(self, values: Values, size: tuple[int, ...], device: torch.device) -> Mapping[str, Tensor]:
        kind, holes = values["kind"], values["holes"]
        flat = holes.reshape(-1, *holes.shape[2:])
        found = torch.zeros(len(flat), *size, dtype=torch.bool, device=device)
        if device.type == "cpu":
            for mask, boxes, how in zip(found, flat.tolist(), kind.ravel().tolist()):
                if how:
                    mask.fill_(how == OUTSIDE)
                    for box in boxes:
                        mask[_slices(box)] = how == INSIDE
        else:
            found = _painted(torch.from_numpy(flat).to(device), torch.from_numpy(kind.ravel()).to(device), size)
        return {"painted": found.view(*kind.shape, *size)}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("kind") > 0)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        numbers = math.prod(x.shape[1:])
        if x.device.type == "cpu":
            noise, left = bank.uniforms(numbers, x.device), torch.empty(0)
            for view, boxes, how, start in zip(x, p.host("holes").tolist(), p.host("kind").tolist(), p.host("offset").tolist()):
                left = _paint(view, boxes, how == OUTSIDE, noise[start : start + numbers].view(x.shape[1:]), left)
            return x
        low, high = (found.view(-1, *[1] * (x.ndim - 1)) for found in (x.flatten(1).amin(1), x.flatten(1).amax(1)))
        fill = torch.addcmul(low, bank.uniform_slices(p.device("offset"), numbers).view(x.shape), high - low)
        painted = _painted(p.device("holes"), p.device("kind").flatten(), tuple(x.shape[2:]))
        return torch.where(painted.unsqueeze(1), fill, x, out=x)


class LocalShuffle(Pixelwise, Occasional):
    """In small blocks the voxels change places, block after block, in each channel anew (MONAI's ``RandCoarseShuffle``).

    Blocks lie inside the view, every place as likely, and may overlap: what they hold is only moved. The order is one of
    a bank of 1,024 that were made once.
    """

    name = "local_shuffle"
    dims = (3,)
    sized = True

    p: float = Field(default=0.8, ge=0, le=1)
    count: int = Field(default=10, ge=1)
    """Blocks in each view."""
    size: Side | tuple[Side, ...] = 8
    """Voxels per side of a block; one number for all axes."""

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        dims = len(size)
        u = chance(1 + self.count * (dims + channels))
        room = np.asarray(size) - self._block(size) + 1
        start = np.floor(u[:, 1 : 1 + self.count * dims].reshape(-1, self.count, dims) * room)
        order = np.floor(u[:, 1 + self.count * dims :].reshape(-1, self.count, channels) * bank.ORDERS)
        return {"on": self.chosen(chance, u[:, 0]), "start": start.astype(np.int32), "order": order.astype(np.int32)}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("on"), bool)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        size = tuple(x.shape[2:])
        block = self._block(size)
        stride = np.array([math.prod(size[axis + 1 :]) for axis in range(len(size))])
        voxels = np.indices(block).reshape(len(size), -1).T @ stride
        first = np.asarray(p.host("start"), np.int64) @ stride
        order = bank.orders(len(voxels))[p.host("order")]
        into = first[:, :, None] + voxels
        taken = first[:, :, None, None] + voxels[order]
        puts = torch.from_numpy(into).to(x.device).unsqueeze(2).expand(-1, -1, x.shape[1], -1)
        takes = torch.from_numpy(taken).to(x.device)
        flat = x.flatten(2)
        for block_number in range(self.count):
            flat.scatter_(2, puts[:, block_number], flat.gather(2, takes[:, block_number]))
        return flat.view(x.shape)

    def _block(self, size: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(min(part, side) for part, side in zip(sides_of(self.size, len(size)), size))


def _paint(x: Tensor, boxes: list[list[list[int]]], outside: bool, noise: Tensor, left: Tensor) -> Tensor:
    """One view (C, *size) in place, by slices, which the CPU is quickest at. ``left``: memory for what is left, given back."""
    low, high = torch.aminmax(x)
    spread = float(high - low)
    if not outside:
        for box in boxes:
            at = (slice(None), *_slices(box))
            torch.add(low, noise[at], alpha=spread, out=x[at])
        return left
    left = left if left.shape == x.shape else torch.empty_like(x)
    left.copy_(x)
    torch.add(low, noise, alpha=spread, out=x)
    for box in boxes:
        at = (slice(None), *_slices(box))
        x[at] = left[at]
    return left


def _slices(box: list[list[int]]) -> tuple[slice, ...]:
    return tuple(slice(start, stop) for start, stop in zip(*box))


def _painted(holes: Tensor, kind: Tensor, size: tuple[int, ...]) -> Tensor:
    """``(N, *size)``: where there is noise; holes (N, H, 2, d) by comparing the numbers of voxels along each axis."""
    inside = torch.zeros(len(holes), *size, dtype=torch.bool, device=holes.device)
    for hole in holes.unbind(1):
        met: Tensor | None = None
        for axis, side in enumerate(size):
            line = torch.arange(side, device=holes.device)
            along = (line >= hole[:, 0, axis, None]) & (line < hole[:, 1, axis, None])
            along = along.view(len(holes), *(side if i == axis else 1 for i in range(len(size))))
            met = along if met is None else met & along
        inside |= met
    shape = (-1, *[1] * len(size))
    return (inside ^ (kind == OUTSIDE).view(shape)) & (kind > 0).view(shape)
