"""Elastic deformation (Simard et al. 2003)."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import override

from vesalius.views import bank
from vesalius.views.frame import Bend, Frame
from vesalius.views.operation import Chance, Geometry, Occasional, Values


class Elastic(Geometry, Occasional):
    """Every pixel is taken from a place nearby: uniform noise in [-1, 1], smoothed, times ``alpha``; black from outside.

    One field serves all channels. It is part of the one sampling: what stands before it in a recipe (crop, resize, affine)
    makes the canvas that is bent, and no affine map may follow.
    """

    name = "elastic"
    dims = (2,)
    sized = True
    turns: ClassVar[bool] = True

    p: float = Field(default=0.5, ge=0, le=1)
    alpha: float = Field(default=25.0, ge=0)
    """Pixels that noise of 1 moves before smoothing (torchvision's ``alpha`` is twice this)."""
    sigma: float = Field(default=5.0, gt=0)
    """Standard deviation of the smoothing, in pixels."""

    @override
    def draw(self, chance: Chance, canvas: NDArray[np.float64], size: tuple[int, ...]) -> Values:
        u = chance(5)
        alpha = np.where(self.chosen(chance, u[:, 0]), self.alpha, 0.0).astype(np.float32)
        return {"alpha": alpha, "corner": bank.corners(u[:, 1:].reshape(-1, 2, 2), canvas)}

    @override
    def place(self, frame: Frame, values: Values, size: tuple[int, ...]) -> Frame:
        alpha, corner = np.asarray(values["alpha"], np.float64), np.asarray(values["corner"], np.int64)
        after = np.broadcast_to(np.eye(3), frame.matrix.shape).copy()
        bend = Bend(alpha, corner, self.sigma, frame.matrix[:, :2, :2], after, frame.canvas)
        return replace(frame, bend=bend, crisp=False)
