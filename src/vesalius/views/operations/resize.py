"""Resizing without randomness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import override

from vesalius.views.frame import Frame
from vesalius.views.operation import Geometry, Values


class Resize(Geometry):
    """The whole image to the group's size, or with ``shorter`` its shorter side to that many pixels, ratio kept."""

    name = "resize"
    dims = (2,)

    shorter: int | None = Field(default=None, ge=1)
    """Pixels of the shorter side; absent: the group's size, whatever the ratio."""

    @override
    def canvas(self, canvas: NDArray[np.float64], size: tuple[int, ...]) -> NDArray[np.float64]:
        if self.shorter is None:
            return np.broadcast_to(np.asarray(size, np.float64), canvas.shape)
        # The longer side is cut down to whole pixels, as torchvision does.
        least = canvas.min(axis=1, keepdims=True)
        scaled: NDArray[np.float64] = np.where(canvas == least, self.shorter, np.floor(self.shorter * canvas / least))
        return scaled

    @override
    def place(self, frame: Frame, values: Values, size: tuple[int, ...]) -> Frame:
        whole = np.concatenate([np.zeros_like(frame.canvas), frame.canvas], axis=1)
        return frame.crop(whole, self.canvas(frame.canvas, size))
