"""Stacks of slices as images: every slice is an image of its own, with the numbers that were drawn for its stack.

A stack is (C, Z, height, width). Its slices share one draw; where a recipe says ``per_channel`` each channel has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from vesalius.data.pixels import Pixels
from vesalius.views.batch import Batch, Draws


@dataclass(frozen=True)
class Fold:
    """How stacks became images: ``records`` stacks of ``channels`` channels and ``slices`` slices (None: no stacks)."""

    records: int
    channels: int
    slices: int | None
    per_channel: bool

    @staticmethod
    def of(data: Tensor, *, per_channel: bool) -> Fold | None:
        """What to do with stored pixels ``data``, (B, R, C, height, width) or (B, R, C, Z, height, width); None where they are images already."""
        if data.ndim == 5 and not per_channel:
            return None
        return Fold(data.shape[0], data.shape[2], data.shape[3] if data.ndim == 6 else None, per_channel)

    def images(self, pixels: Pixels) -> Pixels:
        """``(B * Z, R, C, height, width)``, or one channel each (B * C * Z, R, 1, height, width)."""
        data = pixels.data if self.slices is not None else pixels.data.unsqueeze(3)
        b, r, c, z, height, width = data.shape
        if self.per_channel:
            data = data.permute(0, 2, 3, 1, 4, 5).reshape(b * c * z, r, 1, height, width)
        else:
            data = data.permute(0, 3, 1, 2, 4, 5).reshape(b * z, r, c, height, width)
        each = len(data) // b
        extents, scale, offset = (
            t.repeat_interleave(each, dim=0) for t in (pixels.extents[..., -2:], pixels.scale, pixels.offset)
        )
        return Pixels(data, extents, scale, offset)

    def draws(self, draws: Draws) -> Draws:
        """The same numbers for each slice."""
        slices = self.slices or 1
        each = slices * (self.channels if self.per_channel else 1)
        values = {name: np.repeat(value, slices, axis=1) for name, value in draws.values.items()}
        return Draws(np.repeat(draws.rows, each, axis=0), np.repeat(draws.windows[..., -2:], each, axis=0), values)

    def stacks(self, views: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Views (V, N, c, height, width) of the images as (V, B, C, [Z,] height, width)."""
        found = {}
        for name, view in views.items():
            shape = (len(view), self.records, -1, self.slices or 1, *view.shape[3:])
            if not self.per_channel:
                view = view.reshape(len(view), self.records, -1, *view.shape[2:]).transpose(2, 3)
            made = view.reshape(shape)
            found[name] = made if self.slices is not None else made.squeeze(3)
        return found

    def told(self, drawn: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What operations tell of the images, as it is for each stack's first."""
        return {name: v.reshape(len(v), self.records, -1, *v.shape[2:])[:, :, 0] for name, v in drawn.items()}


def unfolded(batch: Batch, fold: Fold) -> Batch:
    """The batch of images as one of stacks."""
    return Batch(fold.stacks(batch.views), fold.told(batch.drawn), batch.ids[: fold.records], batch.target)
