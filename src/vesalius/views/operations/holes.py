"""Holes painted with noise, inside out or outside in, and blocks whose voxels change places (Zhou et al., "Models Genesis", 2019)."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

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
    uniform between the view's own least and largest value. A method is told ``paint/GROUP``, (V, B): 0 where nothing was
    painted, 1 in the boxes, 2 around them; and ``holes/GROUP``, (V, B, H, 2, d), their first voxels and those after their
    last, of which ``painted`` makes masks.
    """

    name = "paint"
    dims = (3,)
    sized = True
    tells: ClassVar[tuple[str, ...]] = ("paint", "holes")

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
        return {"paint": kind.astype(np.int8), "holes": holes, "offset": bank.offsets(u[:, 2], channels * math.prod(size))}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("paint") > 0)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        return self.into(x.clone(), x, p)

    @override
    def into(self, source: Tensor, out: Tensor, p: Parameters) -> Tensor:
        numbers = math.prod(out.shape[1:])
        if out.device.type == "cpu":
            noise = bank.uniforms(numbers, out.device)
            drawn = (p.host(name).tolist() for name in ("holes", "paint", "offset"))
            for clean, view, boxes, kind, start in zip(source, out, *drawn):
                _paint(clean, view, boxes, kind, noise[start : start + numbers].view(view.shape))
            return out
        return self._at_once(source, out, p)

    def _at_once(self, source: Tensor, out: Tensor, p: Parameters) -> Tensor:
        """All views together, by comparing the numbers of voxels: what other devices are quickest at."""
        numbers = math.prod(out.shape[1:])
        low, high = (found.view(-1, *[1] * (out.ndim - 1)) for found in (source.flatten(1).amin(1), source.flatten(1).amax(1)))
        fill = torch.addcmul(low, bank.uniform_slices(p.device("offset"), numbers).view(out.shape), high - low)
        where = painted(p.device("holes")[None], p.device("paint").view(1, -1), tuple(out.shape[2:]))[0]
        return torch.where(where.unsqueeze(1), fill, source, out=out)


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
        dims, block = len(size), self._block(size)
        u = chance(1 + self.count * (dims + channels))
        room = np.asarray(size) - block + 1
        start = np.floor(u[:, 1 : 1 + self.count * dims].reshape(-1, self.count, dims) * room).astype(np.int64)
        order = np.floor(u[:, 1 + self.count * dims :].reshape(-1, channels, self.count) * bank.ORDERS).astype(np.int64)
        into, taken = _moves(start, order, block, size)
        return {"on": self.chosen(chance, u[:, 0]), "into": into, "taken": taken}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("on"), bool)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        flat = x.flatten(2)
        puts = p.device("into").unsqueeze(1).expand(-1, x.shape[1], -1)
        return flat.scatter_(2, puts, flat.gather(2, p.device("taken"))).view(x.shape)

    def _block(self, size: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(min(part, side) for part, side in zip(sides_of(self.size, len(size)), size))


def _paint(clean: Tensor, out: Tensor, boxes: list[list[list[int]]], kind: int, noise: Tensor) -> None:
    """One view (C, *size) of ``clean`` into ``out``, by slices, which the CPU is quickest at."""
    if kind != OUTSIDE:
        out.copy_(clean)
    if kind == 0:
        return
    low, high = torch.aminmax(clean)
    spread = float(high - low)
    if kind == OUTSIDE:
        torch.add(low, noise, alpha=spread, out=out)
    for box in boxes:
        at = (slice(None), *_slices(box))
        if kind == OUTSIDE:
            out[at] = clean[at]
        else:
            torch.add(low, noise[at], alpha=spread, out=out[at])


def _slices(box: list[list[int]]) -> tuple[slice, ...]:
    return tuple(slice(start, stop) for start, stop in zip(*box))


def painted(holes: Tensor, kind: Tensor, size: tuple[int, ...]) -> Tensor:
    """``(V, B, *size)``: where there is noise, from what ``paint`` tells: holes (V, B, H, 2, d) and what was painted (V, B)."""
    found = torch.zeros(*kind.shape, *size, dtype=torch.bool, device=holes.device)
    for hole in holes.unbind(2):
        met = torch.ones_like(kind, dtype=torch.bool).view(*kind.shape, *[1] * len(size))
        for axis, side in enumerate(size):
            line = torch.arange(side, device=holes.device)
            along = (line >= hole[..., 0, axis, None]) & (line < hole[..., 1, axis, None])
            met = met & along.view(*kind.shape, *(side if i == axis else 1 for i in range(len(size))))
        found |= met
    shape = (*kind.shape, *[1] * len(size))
    return (found ^ (kind == OUTSIDE).view(shape)) & (kind > 0).view(shape)


def _moves(
    start: NDArray[np.int64], order: NDArray[np.int64], block: tuple[int, ...], size: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where voxels go (N, K * n) and which goes there in each channel (N, C, K * n), once all K blocks are done, one after the other.

    Blocks start at ``start`` (N, K, d); ``order`` (N, C, K) is that of their n voxels.
    """
    stride = np.array([math.prod(size[axis + 1 :]) for axis in range(len(size))])
    voxels = np.indices(block).reshape(len(size), -1).T @ stride
    first = start @ stride
    into = first[:, :, None] + voxels
    taken = voxels[bank.orders(len(voxels))[order]]
    taken += first[:, None, :, None]
    apart = np.abs(start[:, :, None] - start[:, None])
    meets = (apart < np.array(block)).all(axis=3).sum(axis=(1, 2)) > start.shape[1]
    now = np.arange(math.prod(size)) if meets.any() else stride
    for item in np.flatnonzero(meets):  # what an earlier block has brought to a voxel is what a later one takes from it
        for channel in taken[item]:
            for places, from_ in zip(into[item], channel):
                now[places] = now[from_]
            channel[:] = now[into[item]]
            now[into[item]] = into[item]
    return into.reshape(len(start), -1), taken.reshape(*taken.shape[:2], -1)
