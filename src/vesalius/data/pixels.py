"""Windows of stored pixels on their way to the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Integer
from torch import Tensor

from vesalius.data.to_device import to_device


@dataclass(frozen=True)
class Pixels:
    """Windows read from a store, padded to the batch's largest.

    ``data`` (B, R, C, *canvas): stored integers (uint8, uint16, int16). ``extents`` (B, R, dims): the valid part of
    each window, from the origin of the canvas. ``scale``, ``offset`` (B, R): physical value = data * scale + offset,
    which for plain images lies in [0, 1]. ``masks`` (B, R, *canvas): labels of the same voxels, where there are any. ``clip``:
    whether physical values are held between 0 and 1.
    """

    data: Tensor
    extents: Int[Tensor, "batch reads dims"]
    scale: Float[Tensor, "batch reads"]
    offset: Float[Tensor, "batch reads"]
    masks: Integer[Tensor, "batch reads *canvas"] | None = None
    clip: bool = False

    def to(self, device: torch.device) -> Pixels:
        """The same on ``device``."""
        return self._each(lambda tensor: to_device(tensor, device))

    def pin(self) -> Pixels:
        """The same in page-locked memory, for an asynchronous copy."""
        return self._each(lambda tensor: tensor.pin_memory())

    def _each(self, change: Callable[[Tensor], Tensor]) -> Pixels:
        data, extents, scale, offset = (change(t) for t in (self.data, self.extents, self.scale, self.offset))
        return Pixels(data, extents, scale, offset, None if self.masks is None else change(self.masks), self.clip)
