"""The one sampling of a group of views of volumes: stored integers to float voxels, and labels beside them.

What only cuts, mirrors and turns by quarters takes the voxels as they are, one pass from integers to numbers. What turns
otherwise or zooms goes through ``grid_sample``: images between eight voxels, labels by the nearest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.pixels import Pixels
from vesalius.data.to_device import to_device
from vesalius.views.frame import Array, Frame


class Voxels:
    """Samples items of a group. Item n is view ``n // B`` of sample ``n % B``, of that view's own read where there are several."""

    def __init__(self, pixels: Pixels, frame: Frame, size: tuple[int, ...]) -> None:
        samples, reads = pixels.data.shape[:2]
        number = np.arange(len(frame.matrix))
        self.read = number % samples * reads + (number // samples if reads > 1 else 0)
        self.frame, self.size, self.clip = frame, size, pixels.clip
        self.on_cpu = pixels.data.device.type == "cpu"
        data = pixels.data.flatten(0, 1)
        # Not every device indexes every kind of integer.
        self.data = data if self.on_cpu else data.float()
        self.masks = None if pixels.masks is None else pixels.masks.flatten(0, 1)
        self.scale, self.offset = pixels.scale.flatten(), pixels.offset.flatten()
        self.whole, axis, sign, start = _whole_steps(frame)
        self.steps = Steps.of(axis, sign, start, frame, size)

    def sample(self, items: slice, out: Tensor) -> Tensor:
        """Fill ``out`` (n, C, *size) with the items ``items``: physical values, 0 beyond the window."""
        return self._filled(items, out, self.data, physical=True)

    def labels(self, items: slice, out: Tensor) -> Tensor:
        """Fill ``out`` (n, *size) with the labels of the items ``items``, 0 beyond the window."""
        assert self.masks is not None
        self._filled(items, out.unsqueeze(1), self.masks.unsqueeze(1), physical=False)
        return out

    def _filled(self, items: slice, out: Tensor, source: Tensor, *, physical: bool) -> Tensor:
        number = np.arange(items.start, items.stop)
        straight, turned = number[self.whole[items]], number[~self.whole[items]]
        if self.on_cpu:
            for item in straight.tolist():
                self._cut(item, out[item - items.start], source, physical=physical)
        elif len(straight):
            _put(out, straight - items.start, self._gathered(straight, source, physical=physical))
        if len(turned):
            _put(out, turned - items.start, self._between(turned, source, physical=physical))
        return out

    def _cut(self, item: int, out: Tensor, source: Tensor, *, physical: bool) -> None:
        """One item (C, *size) by slices, which the CPU is quickest at."""
        read = int(self.read[item])
        target, box, order, mirrored = self.steps.slices(item)
        inside = out[target]
        if inside.shape != out.shape:
            out.zero_()
        cut = source[read][box].permute(0, *order)
        inside.copy_(cut.flip(mirrored) if mirrored else cut)
        if physical:
            torch.add(self.offset[read], inside, alpha=float(self.scale[read]), out=inside)
            if self.clip:
                inside.clamp_(0, 1)

    def _gathered(self, items: NDArray[np.int64], source: Tensor, *, physical: bool) -> Tensor:
        """``(n, C, *size)``: the same for all items at once, by the number of each voxel."""
        device = source.device
        number, seen = self.steps.numbers(items, source.shape[2:])
        reads = to_device(self.read[items], device)
        flat = source.flatten(2).index_select(0, reads)
        index: Tensor | None = None
        visible: Tensor | None = None
        for axis in range(3):
            shape = [len(items), 1, 1, 1, 1]
            shape[2 + axis] = -1
            along, met = (to_device(line[axis], device).view(shape) for line in (number, seen))
            index = along if index is None else index + along
            visible = met if visible is None else visible & met
        assert index is not None
        assert visible is not None
        taken = flat.gather(2, index.flatten(2).expand(-1, flat.shape[1], -1)).view(*flat.shape[:2], *self.size)
        return (self._physical(taken, reads) if physical else taken).masked_fill_(~visible, 0)

    def _between(self, items: NDArray[np.int64], source: Tensor, *, physical: bool) -> Tensor:
        """``(n, C, *size)``: from between the stored voxels; labels from the nearest."""
        device = source.device
        reads = to_device(self.read[items], device)
        places = _places(self.frame.matrix[items], self.size, device)
        bounds = to_device(self.frame.bounds[items].astype(np.float32), device)
        share: Tensor | None = None
        lines = []
        for axis, place in enumerate(places):
            low, high = (bounds[:, axis + end].view(-1, 1, 1, 1) for end in (0, 3))
            met = torch.minimum(place - low, high - place)
            met = met.add_(0.5).clamp_(0, 1) if physical else (met > 0).float()
            share = met if share is None else share.mul_(met)
            # Half a voxel inside the bounds nothing beyond them has any weight.
            inner = torch.minimum(torch.maximum(place, low + 0.5), high - 0.5)
            lines.append(inner.mul_(2 / source.shape[2 + axis]).sub_(1))
        grid = torch.stack(lines[::-1], dim=-1)
        mode = "bilinear" if physical else "nearest"
        stored = source.index_select(0, reads).float()
        found = F.grid_sample(stored, grid, mode=mode, padding_mode="border", align_corners=False)
        if physical:
            found = self._physical(found, reads)
        assert share is not None
        return found.mul_(share.unsqueeze(1))

    def _physical(self, x: Tensor, reads: Tensor) -> Tensor:
        """Stored numbers of reads ``reads`` to physical values."""
        scale, offset = (t.index_select(0, reads).view(-1, 1, 1, 1, 1) for t in (self.scale, self.offset))
        x = torch.addcmul(offset, x.float(), scale)
        return x.clamp_(0, 1) if self.clip else x


@dataclass(frozen=True)
class Same:
    """Samples by copying: ``volumes`` (B, C, *size) and ``masks`` (B, *size) that another group has made under the same geometry."""

    volumes: Tensor
    masks: Tensor | None

    def sample(self, items: slice, out: Tensor) -> Tensor:
        """Fill ``out`` (n, C, *size) with the items ``items``."""
        return self._copied(items, out, self.volumes)

    def one(self, item: int) -> Tensor:
        """``(1, C, *size)``: where one item is copied from."""
        at = item % len(self.volumes)
        return self.volumes[at : at + 1]

    def labels(self, items: slice, out: Tensor) -> Tensor:
        """Fill ``out`` (n, *size) with the labels of the items ``items``."""
        assert self.masks is not None
        return self._copied(items, out, self.masks)

    def _copied(self, items: slice, out: Tensor, source: Tensor) -> Tensor:
        number = torch.arange(items.start, items.stop, device=source.device) % len(source)
        return torch.index_select(source, 0, number, out=out)


@dataclass(frozen=True)
class Steps:
    """Frames that go through the stored voxels one by one, of items N and view axes 3.

    ``axis`` (N, 3): which stored axis each axis of the view runs along; ``sign`` and ``start`` (N, 3): up or down, and from
    which voxel. ``seen`` (N, 2, 3): the first view voxel along each axis that lies in the bounds, and the one after the last.
    """

    axis: NDArray[np.int64]
    sign: NDArray[np.int64]
    start: NDArray[np.int64]
    seen: NDArray[np.int64]
    size: tuple[int, ...]

    @staticmethod
    def of(axis: NDArray[np.int64], sign: NDArray[np.int64], start: NDArray[np.int64], frame: Frame, size: tuple[int, ...]) -> Steps:
        """What of each view lies in the bounds of its frame."""
        low, high = (np.take_along_axis(np.rint(b).astype(np.int64), axis, 1) for b in (frame.bounds[:, :3], frame.bounds[:, 3:]))
        first = np.where(sign > 0, low - start, start - high + 1)
        last = np.where(sign > 0, high - start, start - low + 1)
        first = np.clip(first, 0, size)
        return Steps(axis, sign, start, np.stack([first, np.clip(last, first, size)], axis=1), size)

    def slices(self, item: int) -> tuple[tuple[slice, ...], tuple[slice, ...], list[int], list[int]]:
        """Of one item: what of the view is filled, with what of the window, in which order of axes, which of them mirrored."""
        (first, last), whole = self.seen[item].tolist(), slice(None)
        target, box, order, mirrored = [whole], [whole, whole, whole, whole], [], []
        for i, (axis, sign, start) in enumerate(zip(self.axis[item].tolist(), self.sign[item].tolist(), self.start[item].tolist())):
            target.append(slice(first[i], last[i]))
            ends = (start + first[i], start + last[i]) if sign > 0 else (start - last[i] + 1, start - first[i] + 1)
            box[1 + axis] = slice(*ends)
            order.append(1 + axis)
            mirrored += [] if sign > 0 else [1 + i]
        return tuple(target), tuple(box), order, mirrored

    def numbers(self, items: NDArray[np.int64], stored: tuple[int, ...]) -> tuple[list[NDArray[np.int64]], list[NDArray[np.bool_]]]:
        """For each axis of the view (n, side): what its voxels add to the number of the stored voxel, and which are seen."""
        stride = np.array([stored[1] * stored[2], stored[2], 1])
        along, seen = [], []
        for i, side in enumerate(self.size):
            line, axis = np.arange(side), self.axis[items, i]
            voxel = self.start[items, i, None] + self.sign[items, i, None] * line
            along.append(np.clip(voxel, 0, np.array(stored)[axis, None] - 1) * stride[axis, None])
            seen.append((line >= self.seen[items, 0, i, None]) & (line < self.seen[items, 1, i, None]))
        return along, seen


def _whole_steps(frame: Frame) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Which items go through the stored voxels one by one (N,), and for each axis of theirs (N, 3): along which, which way, from where."""
    turn = frame.matrix[:, 2::-1, 2::-1]
    axis = np.abs(turn).argmax(axis=1)
    sign = np.rint(np.take_along_axis(turn, axis[:, None], 1)[:, 0]).astype(np.int64)
    centre = np.take_along_axis(frame.matrix[:, 2::-1, 3], axis, 1) + sign / 2 - 0.5
    start = np.rint(centre)
    exact = np.zeros_like(turn)
    np.put_along_axis(exact, axis[:, None], sign[:, None], 1)
    bounds = np.abs(frame.bounds - np.rint(frame.bounds)).max(axis=1) < 1e-3
    whole = (np.abs(turn - exact).max(axis=(1, 2)) < 1e-6) & (np.abs(centre - start).max(axis=1) < 1e-3) & bounds
    return whole & (np.abs(sign) == 1).all(axis=1), axis, sign, start.astype(np.int64)


def _places(matrix: Array, size: tuple[int, ...], device: torch.device) -> list[Tensor]:
    """For each axis of the window (n, *size): where the centre of each voxel of the view lies."""
    m = to_device(matrix[:, 2::-1].astype(np.float32), device)
    lines = [(torch.arange(side, device=device) + 0.5).view([-1 if i == axis else 1 for i in range(3)]) for axis, side in enumerate(size)]
    return [
        sum((m[:, row, 2 - axis].view(-1, 1, 1, 1) * line for axis, line in enumerate(lines)), m[:, row, 3].view(-1, 1, 1, 1))
        for row in range(3)
    ]


def _put(out: Tensor, which: NDArray[np.int64], values: Tensor) -> None:
    if len(which) == len(out):
        out.copy_(values)
    else:
        out.index_copy_(0, to_device(which, out.device), values.to(out.dtype))
