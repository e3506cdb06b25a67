"""Windows of stored pixels on their way to the device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Pixels:
    """Windows read from a store, padded to the batch's largest.

    ``data`` (B, R, C, *canvas): stored integers (uint8, uint16, int16). ``extents`` (B, R, dims): the valid part of
    each window, from the origin of the canvas. ``scale``, ``offset`` (B, R): physical value = data * scale + offset,
    which for plain images lies in [0, 1].
    """

    data: Tensor
    extents: Int[Tensor, "batch reads dims"]
    scale: Float[Tensor, "batch reads"]
    offset: Float[Tensor, "batch reads"]

    def to(self, device: torch.device) -> Pixels:
        """The same on ``device``; the copy does not block where the host memory is pinned."""
        return Pixels(*(t.to(device, non_blocking=True) for t in (self.data, self.extents, self.scale, self.offset)))

    def pin(self) -> Pixels:
        """The same in page-locked memory, for an asynchronous copy."""
        return Pixels(*(t.pin_memory() for t in (self.data, self.extents, self.scale, self.offset)))
