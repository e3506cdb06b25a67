"""Lower resolution: coarser pixels or voxels, brought back to the size there was."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor
from typing_extensions import override

from vesalius.data.to_device import to_device
from vesalius.views.operation import Chance, Interval, Occasional, Parameters, Pixelwise, Values, between


class LowResolution(Pixelwise, Occasional):
    """Each side shrunk by a factor, anti-aliased, and linearly enlarged again (nnU-Net's ``SimulateLowResolution``).

    A factor of 2 keeps every second pixel's worth of detail along each axis.
    """

    name = "low_resolution"

    p: float = Field(default=0.5, ge=0, le=1)
    factor: Interval = (1.0, 2.0)

    @field_validator("factor")
    @classmethod
    def _coarser(cls, value: Interval) -> Interval:
        if value[0] < 1:
            raise ValueError("must be at least 1")
        return value

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        u = chance(2)
        factor = np.where(self.chosen(chance, u[:, 0]), between(self.factor, u[:, 1]), 1.0)
        return {"factor": factor.astype(np.float32)}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("factor") > 1)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        factors = np.asarray(p.host("factor"), np.float64)
        for axis in range(2, x.ndim):
            side = x.shape[axis]
            kept = np.maximum(1, np.rint(side / factors)).astype(np.int64)
            for coarse in np.unique(kept):
                if coarse == side:
                    continue
                rows = to_device(np.flatnonzero(kept == coarse), x.device)
                through = _through(side, int(coarse), x.device)
                some = x.index_select(0, rows).movedim(axis, -1)
                x.index_copy_(0, rows, (some @ through).movedim(-1, axis))
        return x


@lru_cache(maxsize=64)
def _through(side: int, coarse: int, device: torch.device) -> Tensor:
    """``(side, side)``, from places (rows) to places: a line shrunk to ``coarse`` places by a triangle as wide as that asks for, and enlarged again."""
    return to_device(_resizing(side, coarse) @ _resizing(coarse, side), device)


def _resizing(n_in: int, n_out: int) -> Tensor:
    """``(n_in, n_out)``: what each place gives to each place of the resized line."""
    step = n_in / n_out
    centre = np.clip((np.arange(n_out) + 0.5) * step, 0.5, n_in - 0.5)
    distance = np.abs(centre[None] - (np.arange(n_in) + 0.5)[:, None]) / max(step, 1.0)
    weights = np.maximum(1 - distance, 0)
    return torch.from_numpy((weights / weights.sum(axis=0)).astype(np.float32))
