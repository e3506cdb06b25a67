"""Motion during an MR scan: ghosts of the image, shifted along the direction of phase encoding."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor
from typing_extensions import override

from vesalius.data.to_device import to_device
from vesalius.views.operation import Chance, Interval, Occasional, Parameters, Pixelwise, Values, between

_CENTRE = 0.04
"""Share of the lines of k-space around its middle that are left as they are: the contrast of the image."""


class Motion(Pixelwise, Occasional):
    """Each n-th line of k-space along one drawn axis is weakened, as by a body that moves periodically (TorchIO's ``RandomGhosting``).

    The image then appears ``ghosts`` times, shifted by so many parts of its side; ``strength`` 1 takes those lines away.
    """

    name = "motion"

    p: float = Field(default=0.5, ge=0, le=1)
    strength: Interval = (0.2, 0.6)
    ghosts: tuple[int, int] = (3, 7)
    """Least and greatest number of ghosts."""

    @field_validator("strength")
    @classmethod
    def _share(cls, value: Interval) -> Interval:
        if not 0 <= value[0] <= value[1] <= 1:
            raise ValueError("must lie between 0 and 1")
        return value

    @field_validator("ghosts")
    @classmethod
    def _several(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 2 <= value[0] <= value[1]:
            raise ValueError("must be whole numbers from 2, the smaller first")
        return value

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        u = chance(4)
        strength = np.where(self.chosen(chance, u[:, 0]), between(self.strength, u[:, 1]), 0.0)
        low, high = self.ghosts
        return {
            "strength": strength.astype(np.float32),
            "axis": np.floor(u[:, 2] * len(size)).astype(np.int64),
            "ghosts": (low + np.floor(u[:, 3] * (high - low + 1))).astype(np.int64),
        }

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("strength") > 0)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        axes, ghosts, strength = p.host("axis"), p.host("ghosts"), p.host("strength")
        for axis in np.unique(axes):
            which = np.flatnonzero(axes == axis)
            rows = to_device(which, x.device)
            side = x.shape[2 + int(axis)]
            gain = to_device(_gain(side, ghosts[which], strength[which]), x.device)
            lines = torch.fft.rfft(x.index_select(0, rows).movedim(2 + int(axis), -1))
            shape = (len(which), *[1] * (x.ndim - 2), gain.shape[1])
            x.index_copy_(0, rows, torch.fft.irfft(lines * gain.view(shape), n=side).movedim(-1, 2 + int(axis)))
        return x.clamp_(0, 1)


def _gain(side: int, ghosts: NDArray[np.int64], strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(N, side // 2 + 1)``: what each line of k-space is multiplied by; the same for a frequency and its negative."""
    frequency = np.arange(side // 2 + 1)[None]
    weakened = (frequency % ghosts[:, None] == 0) & (frequency > _CENTRE / 2 * side)
    return np.where(weakened, 1 - strength[:, None], 1).astype(np.float32)
