"""What is read of each volume: a patch at random, or tiles over all there is to see."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import override

from vesalius.data.volumes.ground import Ground
from vesalius.views.operation import Chance, Window, refuse

Side = Annotated[int, Field(ge=1)]


class Patch(Window):
    """One window of each volume, inside it; of a volume that is smaller the whole, in the middle of a view that is 0 around it.

    ``anywhere``: every place is as likely (MONAI's ``RandSpatialCrop``). ``foreground``: around a voxel of the foreground.
    ``labels``: around a voxel of a label with probability ``positive``, else around foreground of no label (MONAI's
    ``RandCropByPosNegLabel``). A window that would leave the volume is moved back.
    """

    name = "patch"

    from_: Literal["foreground", "anywhere", "labels"] = Field(default="foreground", alias="from")
    """What the place is drawn from."""
    size: tuple[Side, ...] | None = None
    """Voxels per side of the window; absent: the group's size."""
    positive: float = Field(default=0.5, ge=0, le=1)
    """Probability of a label in the middle, with ``labels``."""
    weight: Literal["equal", "size"] = "equal"
    """Which label, with ``labels``: each that a volume has as likely, or by its voxels, as MONAI's."""

    @override
    def sides(self, size: tuple[int, ...]) -> tuple[int, ...]:
        return size if self.size is None else self.size

    @override
    def windows(
        self, chance: Chance, extents: NDArray[np.int64], size: tuple[int, ...], ground: Ground | None
    ) -> NDArray[np.int64]:
        u = chance(5)
        sides = np.minimum(extents, self.sides(size))
        if self.from_ == "anywhere":
            start = np.floor(u[:, :3] * (extents - sides + 1)).astype(np.int64)
        else:
            middle = self._middle(u, _known(ground, f"patch: {{from: {self.from_}}}"))
            start = np.clip(middle - sides // 2, 0, extents - sides)
        return np.stack([start, start + sides], axis=1)[:, None]

    def _middle(self, u: NDArray[np.float64], ground: Ground) -> NDArray[np.int64]:
        """``(B, 3)``: the voxel that each patch is drawn around."""
        found = _one_of(ground.points, u[:, 0]).astype(np.int64)
        if self.from_ == "foreground":
            return found
        if ground.classes is None or ground.background is None:
            raise refuse("patch: {from: labels} needs volumes with label volumes, and these have none. Use from: foreground.")
        present = np.all(ground.classes[:, :, 0] >= 0, axis=2)
        if self.weight == "size" and ground.counts is None:
            raise refuse("patch: {weight: size} needs to know how many voxels each label has. Use weight: equal.")
        weights = np.cumsum(present if self.weight == "equal" else present * np.asarray(ground.counts), axis=1)
        which = np.argmax(weights > np.floor(u[:, 1] * weights[:, -1])[:, None], axis=1)
        labelled = _one_of(ground.classes[np.arange(len(which)), which], u[:, 2])
        unlabelled = _one_of(ground.background, u[:, 2])
        positive = (u[:, 3] < self.positive) & np.any(present, axis=1)
        chosen = np.where(positive.reshape(-1, 1), labelled, unlabelled)
        return np.where(np.all(chosen >= 0, axis=1).reshape(-1, 1), chosen, found).astype(np.int64)


class Tiles(Window):
    """Windows spread evenly over the box of the foreground, nothing random: one view of each (evaluation).

    They are laid in as many rows along each axis as cover the box best, the outermost at its borders; where it is smaller
    than a tile, in its middle.
    """

    name = "tiles"

    count: int = Field(default=8, ge=1, le=512)
    """Windows of each volume."""

    @override
    def windows(
        self, chance: Chance, extents: NDArray[np.int64], size: tuple[int, ...], ground: Ground | None
    ) -> NDArray[np.int64]:
        box = np.stack([np.zeros_like(extents), extents], axis=1) if ground is None else ground.box
        sides = np.minimum(extents, self.sides(size))
        grids = _grids(self.count)
        length = (box[:, 1] - box[:, 0]) / np.asarray(size)
        # What the widest step between two tiles is, in tiles: one tile more than the box is long needs no step.
        steps = np.maximum(length - 1, 0)[:, None] / np.maximum(grids - 1, 1) + (grids == 1) * np.maximum(length - 1, 0)[:, None]
        grid = grids[np.argmin(steps.max(axis=2) + 1e-6 * steps.sum(axis=2), axis=1)]
        number = np.arange(self.count)
        last = grid[:, 2:]
        place = np.stack([number // (grid[:, 1:2] * last), number // last % grid[:, 1:2], number % last], axis=2)
        room = box[:, 1] - box[:, 0] - sides
        share = np.where(grid[:, None] > 1, place / np.maximum(grid[:, None] - 1, 1), 0.5)
        share = np.where(room[:, None] > 0, share, 0.5)
        start = np.rint(box[:, None, 0] + share * room[:, None]).astype(np.int64)
        start = np.clip(start, 0, (extents - sides)[:, None])
        return np.stack([start, start + sides[:, None]], axis=2)


def _grids(count: int) -> NDArray[np.int64]:
    """``(n, 3)``: every way to lay ``count`` tiles in rows along three axes."""
    found = [(a, b, count // (a * b)) for a in range(1, count + 1) for b in range(1, count // a + 1) if count % (a * b) == 0]
    return np.array(found, np.int64)


def _one_of(points: NDArray[np.integer], u: NDArray[np.float64]) -> NDArray[np.integer]:
    """``(B, 3)``: one of the points (B, K, 3) of each record, by uniform numbers ``u`` (B,)."""
    chosen: NDArray[np.integer] = points[np.arange(len(u)), np.floor(u * points.shape[1]).astype(np.int64)]
    return chosen


def _known(ground: Ground | None, what: str) -> Ground:
    if ground is None:
        raise refuse(f"{what} needs to know where there is something to see, which a store of volumes tells. Use from: anywhere.")
    return ground
