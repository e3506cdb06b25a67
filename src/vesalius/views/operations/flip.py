"""Mirrors."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import override

from vesalius.views.frame import Frame
from vesalius.views.operation import Chance, Geometry, Occasional, Values


class _Flip(Geometry, Occasional):
    """Mirror along one axis of the matrix (0: x, 1: y)."""

    axis: ClassVar[int]

    p: float = Field(default=0.5, ge=0, le=1)

    @override
    def draw(self, chance: Chance, canvas: NDArray[np.float64], size: tuple[int, ...]) -> Values:
        return {"on": self.chosen(chance, chance(1)[:, 0])}

    @override
    def place(self, frame: Frame, values: Values, size: tuple[int, ...]) -> Frame:
        step = np.broadcast_to(np.eye(3), frame.matrix.shape).copy()
        on = np.asarray(values["on"], bool)
        step[on, self.axis, self.axis] = -1
        step[on, self.axis, 2] = frame.canvas[on, 1 - self.axis]
        return frame.then(step, frame.canvas)


class HorizontalFlip(_Flip):
    """Left becomes right."""

    name = "horizontal_flip"
    dims = (2,)
    axis = 0


class VerticalFlip(_Flip):
    """Top becomes bottom."""

    name = "vertical_flip"
    dims = (2,)
    axis = 1
