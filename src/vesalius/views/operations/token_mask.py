"""Which patches of a view an encoder may see (He et al., "Masked autoencoders are scalable vision learners", CVPR 2022)."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from vesalius.views.operation import Chance, Parameters, Pixelwise, Values, refuse
from vesalius.views.patches import grid_of

Side = Annotated[int, Field(ge=1)]


class TokenMask(Pixelwise):
    """Patches are hidden at random, in every view of every sample the same number. No pixel changes: a method is told.

    It finds ``keep`` (V, B, K), the numbers of the patches to encode in rising order, and ``hide`` (V, B, N), true where a
    patch is hidden, as ``batch.drawn["keep/GROUP"]`` and ``batch.drawn["hide/GROUP"]``.
    """

    name = "token_mask"
    sized = True
    tells: ClassVar[tuple[str, ...]] = ("keep", "hide")

    patch: Side | tuple[Side, ...] = 16
    """Sides of a patch in pixels, those of the encoder's patches; one number for all axes."""
    ratio: float = Field(default=0.75, gt=0, lt=1)
    """Share of the patches that is hidden, rounded to a whole number of patches."""

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        count = math.prod(grid_of(size, self.patch))
        if count < 2:
            elements = "voxels" if len(size) == 3 else "pixels"
            raise refuse(f"A view of {'×'.join(map(str, size))} {elements} is one patch, of which nothing can be hidden.")
        kept = min(max(1, round(count * (1 - self.ratio))), count - 1)
        keep = np.sort(np.argsort(chance(count), axis=1, kind="stable")[:, :kept], axis=1)
        hide = np.ones((len(keep), count), np.bool_)
        np.put_along_axis(hide, keep, False, axis=1)
        return {"keep": keep.astype(np.int64), "hide": hide}

    @override
    def prepare(self, values: Values, channels: int) -> Values:
        return {}

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        return x
