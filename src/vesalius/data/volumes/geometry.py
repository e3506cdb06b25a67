"""Where a stored volume lies in the file it came from: there by ``taken``, back by ``onto_source``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.plan import Plan, Sides
from vesalius.data.readers.volume_parts import spacing_of
from vesalius.data.volumes import orientation, resampling

if TYPE_CHECKING:
    from torch import Tensor

_FINE = 256
"""Integer images whose values span at least so much stay integers when they are resampled: half a unit (HU) is less than their noise."""
_AT_ONCE = 1 << 21  # numbers of a slab: what a processor keeps near it
_SAME = 1e-4


@dataclass(frozen=True)
class Geometry:
    """Between a file's voxels and the stored ones.

    ``affine`` (4, 4) and ``shape`` of the file. ``source``: which axis of the file each stored axis is, ``flipped`` whether
    reversed; ``step``: voxels of the file per stored one, along stored axes. ``whole``: sides after resampling, of which the
    ``stored`` sides from ``origin`` were kept. ``as_dict`` and ``from_dict`` are its JSON.
    """

    affine: tuple[tuple[float, ...], ...]
    shape: Sides
    source: Sides
    flipped: tuple[bool, bool, bool]
    step: tuple[float, float, float]
    whole: Sides
    origin: Sides
    stored: Sides

    @classmethod
    def of(cls, affine: NDArray[np.float64], shape: tuple[int, ...], plan: Plan) -> Geometry:
        """Of a file's volume brought to ``plan``, nothing cut away yet."""
        source, flipped = orientation.turn(affine, plan.orientation)
        own = spacing_of(affine)
        sides = [shape[axis] for axis in source]
        step = (
            [1.0, 1.0, 1.0]
            if plan.spacing is None
            else [new / own[axis] for new, axis in zip(plan.spacing, source, strict=True)]
        )
        step = [
            1.0 if abs(ratio - 1) < _SAME else ratio for ratio in step
        ]  # float32 headers do not hold 0.8 mm exactly
        whole = _three(resampling.length(side, ratio) for side, ratio in zip(sides, step, strict=True))
        rows = tuple(tuple(float(number) for number in row) for row in affine)
        return cls(rows, _three(shape), source, flipped, (step[0], step[1], step[2]), whole, (0, 0, 0), whole)

    def cropped(self, origin: tuple[int, ...], stored: tuple[int, ...]) -> Geometry:
        """With the box of ``stored`` sides that begins at ``origin`` of what was stored until now."""
        return replace(
            self, origin=_three(a + b for a, b in zip(self.origin, origin, strict=True)), stored=_three(stored)
        )

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Size of the stored voxels in mm."""
        return spacing_of(self.stored_affine)

    @property
    def stored_affine(self) -> NDArray[np.float64]:
        """(4, 4) from stored voxels to mm."""
        turned = orientation.turned_affine(np.array(self.affine), self.shape, self.source, self.flipped)
        moved = np.diag([*self.step, 1.0])
        moved[:3, 3] = np.multiply(self.step, self.origin)
        return np.asarray(turned @ moved, np.float64)

    def as_dict(self) -> dict[str, Any]:
        """Plain lists and numbers."""
        return {key: np.asarray(value).tolist() for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Geometry:
        """What ``as_dict`` gave."""
        rows = tuple(tuple(float(number) for number in row) for row in said["affine"])
        return cls(
            rows,
            **{name: tuple(said[name]) for name in ("shape", "source", "flipped", "step", "whole", "origin", "stored")},
        )

    def places(self, axis: int) -> NDArray[np.float64]:
        """(stored,) where the stored voxels along stored ``axis`` lie, in voxels of the file."""
        at = (np.arange(self.stored[axis]) + self.origin[axis]) * self.step[axis]
        return np.asarray(self.shape[self.source[axis]] - 1 - at if self.flipped[axis] else at, np.float64)

    def back(self, axis: int) -> NDArray[np.float64]:
        """(file's side,) where the file's voxels along stored ``axis`` lie, in stored voxels."""
        at = np.arange(self.shape[self.source[axis]], dtype=np.float64)
        return (at[::-1] if self.flipped[axis] else at) / self.step[axis] - self.origin[axis]


def taken(values: NDArray[Any], geometry: Geometry, *, labels: bool = False) -> NDArray[Any]:
    """What ``geometry`` keeps of a file's ``values``: (x, y, z), contiguous; ``labels`` take the nearest voxel.

    Integers stay of their type where ``labels``, where nothing is resampled, or where they span ``_FINE`` values; else float32.
    """
    keep = values.dtype
    resampled = [axis for axis in range(3) if geometry.step[axis] != 1]
    order = sorted(
        range(3), key=lambda axis: -abs(values.strides[axis])
    )  # as it lies in memory, whatever its axes are called
    work = values.transpose(order)
    for axis in sorted(range(3), key=lambda axis: geometry.stored[axis] / geometry.shape[geometry.source[axis]]):
        place, at = order.index(geometry.source[axis]), geometry.places(axis)
        if labels or axis not in resampled:
            work = _picked(work, place, resampling.nearest(at, work.shape[place]))
        else:
            weights = resampling.linear(at, work.shape[place], geometry.step[axis])
            work = resampling.along(np.ascontiguousarray(work, np.float32), place, weights)
    out = np.ascontiguousarray(work.transpose([order.index(axis) for axis in geometry.source]))
    if resampled and not labels and keep.kind != "f" and int(values.max()) - int(values.min()) >= _FINE:
        return np.asarray(np.rint(out).astype(keep))
    return np.asarray(out)


def onto_source(values: Tensor, geometry: Geometry, *, outside: Tensor | None = None) -> Tensor:
    """Stored ``values`` (C, *stored) on the file's voxels: (C, *shape). What was cut away becomes ``outside`` (C,), or 0.

    Floats are interpolated linearly between stored voxels; integers take the nearest.
    """
    import torch

    for axis in range(3):
        values = _back_along(values, axis, geometry, slice(None))
    fill = torch.zeros(len(values), dtype=values.dtype, device=values.device) if outside is None else outside.to(values)
    for axis in range(3):
        rows = torch.from_numpy(_beyond(geometry, axis)).to(values.device)
        if len(rows):
            values.movedim(axis + 1, 0)[rows] = fill[:, None, None]
    return values.permute(0, *(1 + geometry.source.index(axis) for axis in range(3)))


def labels_onto_source(probabilities: Tensor, geometry: Geometry) -> NDArray[np.uint8]:
    """The most probable of L + 1 labels on the file's voxels: (*shape,) of ``probabilities`` (L + 1, *stored).

    Slab by slab, so that all probabilities of a large file need never be held. What was cut away is label 0.
    """
    sides = [geometry.shape[axis] for axis in geometry.source]
    out = np.zeros(sides, np.uint8)
    ahead = [axis for axis in (1, 2) if sides[axis] < geometry.stored[axis]]  # what becomes smaller, all at once
    for axis in ahead:
        probabilities = _back_along(probabilities, axis, geometry, slice(None))
    rows = max(1, _AT_ONCE // max(1, len(probabilities) * sides[1] * sides[2]))
    for start in range(0, sides[0], rows):
        slab = slice(start, start + rows)
        part = _back_along(probabilities, 0, geometry, slab)
        for axis in (axis for axis in (1, 2) if axis not in ahead):
            part = _back_along(part, axis, geometry, slice(None))
        out[slab] = part.max(0).indices.cpu().numpy()
    for axis in range(3):
        np.moveaxis(out, axis, 0)[_beyond(geometry, axis)] = 0
    return out.transpose([geometry.source.index(axis) for axis in range(3)])


def _back_along(values: Tensor, axis: int, geometry: Geometry, rows: slice) -> Tensor:
    """``values`` (C, ...) along stored ``axis`` at the file's voxels ``rows``: two of the stored ones each, or the nearest."""
    import torch

    at = geometry.back(axis)[rows]
    if not values.is_floating_point():
        chosen = torch.from_numpy(resampling.nearest(at, geometry.stored[axis]))
        return values.index_select(axis + 1, chosen.to(values.device))
    at = np.clip(at, 0, geometry.stored[axis] - 1)
    low = np.floor(at).astype(np.int64)
    share = torch.from_numpy((at - low).astype(np.float32)).to(values)
    below, above = (
        values.index_select(axis + 1, torch.from_numpy(places).to(values.device))
        for places in (low, np.minimum(low + 1, geometry.stored[axis] - 1))
    )
    return below.lerp_(above, share.reshape(-1, *(1,) * (2 - axis)))


def _beyond(geometry: Geometry, axis: int) -> NDArray[np.int64]:
    """Which of the file's voxels along stored ``axis`` lie outside of what was kept, by more than half a voxel.

    At the ends of the whole volume nothing was cut away: the last voxels there may lie a little beyond the last stored one.
    """
    at, first, last = geometry.back(axis), geometry.origin[axis], geometry.origin[axis] + geometry.stored[axis]
    low = (at < -0.5) & (first > 0)
    high = (at > geometry.stored[axis] - 0.5) & (last < geometry.whole[axis])
    return np.flatnonzero(low | high)


def _picked(values: NDArray[Any], axis: int, places: NDArray[np.int64]) -> NDArray[Any]:
    """``values`` at ``places`` along ``axis``; a view where these are all of them in either order."""
    count = values.shape[axis]
    if np.array_equal(places, np.arange(count)):
        return values
    if np.array_equal(places, np.arange(count)[::-1]):
        return np.flip(values, axis)
    return np.take(values, places, axis)


def _three(sides: Any) -> Sides:
    x, y, z = (int(side) for side in sides)
    return x, y, z
