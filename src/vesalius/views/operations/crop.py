"""Crops: random resized, random with padding, central."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import override

from vesalius.views.frame import Frame
from vesalius.views.operation import Chance, Geometry, Interval, Values, between

_TRIES = 10


class RandomResizedCrop(Geometry):
    """A box of random area and aspect ratio, brought to one size (Szegedy et al. 2015; torchvision's rule).

    Ten boxes are tried; when none fits, the largest central box whose ratio is allowed is taken.
    """

    name = "random_resized_crop"
    dims = (2,)

    scale: Interval = (0.08, 1.0)
    """Area of the box as a share of the image's."""
    ratio: Interval = (3 / 4, 4 / 3)
    """Width over height of the box; the logarithm is drawn uniformly."""
    size: int | None = Field(default=None, ge=1)
    """Pixels per side that the box is brought to; absent: the group's size."""

    @override
    def draw(self, chance: Chance, canvas: NDArray[np.float64], size: tuple[int, ...]) -> Values:
        u = chance(2 * _TRIES + 2)
        height, width = canvas[:, :1], canvas[:, 1:]
        area = height * width * between(self.scale, u[:, :_TRIES])
        low, high = np.log(self.ratio)
        ratio = np.exp(between((low, high), u[:, _TRIES : 2 * _TRIES]))
        w, h = np.rint(np.sqrt(area * ratio)), np.rint(np.sqrt(area / ratio))
        fits = (w >= 1) & (h >= 1) & (w <= width) & (h <= height)
        first, found = np.argmax(fits, axis=1)[:, None], np.any(fits, axis=1)
        w, h = np.take_along_axis(w, first, 1)[:, 0], np.take_along_axis(h, first, 1)[:, 0]
        whole = _central(canvas, self.ratio)
        h, w = np.where(found, h, whole[:, 0]), np.where(found, w, whole[:, 1])
        room = canvas - np.stack([h, w], axis=1)
        corner = np.floor(u[:, 2 * _TRIES :] * (room + 1))
        corner = np.where(found.reshape(-1, 1), corner, np.floor(room / 2))
        return {"box": np.concatenate([corner, np.stack([h, w], axis=1)], axis=1).astype(np.float32)}

    @override
    def canvas(self, canvas: NDArray[np.float64], size: tuple[int, ...]) -> NDArray[np.float64]:
        return _filled(canvas, self._sides(size))

    @override
    def place(self, frame: Frame, values: Values, size: tuple[int, ...]) -> Frame:
        return frame.crop(values["box"].astype(np.float64), _filled(frame.canvas, self._sides(size)))

    def _sides(self, size: tuple[int, ...]) -> tuple[int, ...]:
        return size if self.size is None else (self.size, self.size)


class RandomCrop(Geometry):
    """A box of the group's size at a random place, without resizing; black where it leaves the image."""

    name = "random_crop"
    sized = True

    padding: int = Field(default=0, ge=0)
    """Black pixels added on each side before the crop."""

    @override
    def draw(self, chance: Chance, canvas: NDArray[np.float64], size: tuple[int, ...]) -> Values:
        room = canvas + 2 * self.padding - np.asarray(size, np.float64)
        corner = np.floor(chance(len(size)) * (np.maximum(room, 0) + 1)) - self.padding
        return {"corner": np.where(room < 0, np.floor(room / 2) - self.padding, corner).astype(np.float32)}

    @override
    def canvas(self, canvas: NDArray[np.float64], size: tuple[int, ...]) -> NDArray[np.float64]:
        return _filled(canvas, size)

    @override
    def place(self, frame: Frame, values: Values, size: tuple[int, ...]) -> Frame:
        out = _filled(frame.canvas, size)
        return frame.crop(np.concatenate([values["corner"].astype(np.float64), out], axis=1), out)


class CentreCrop(Geometry):
    """The middle of the image at the group's size, without resizing; black where the image is smaller."""

    name = "centre_crop"

    @override
    def canvas(self, canvas: NDArray[np.float64], size: tuple[int, ...]) -> NDArray[np.float64]:
        return _filled(canvas, size)

    @override
    def place(self, frame: Frame, values: Values, size: tuple[int, ...]) -> Frame:
        out = _filled(frame.canvas, size)
        return frame.crop(np.concatenate([np.rint((frame.canvas - out) / 2), out], axis=1), out)


def _central(canvas: NDArray[np.float64], ratio: Interval) -> NDArray[np.float64]:
    """Height and width (B, 2) of the largest box with an allowed ratio."""
    height, width = canvas[:, 0], canvas[:, 1]
    shape = width / height
    h = np.where(shape < ratio[0], np.rint(width / ratio[0]), height)
    w = np.where(shape > ratio[1], np.rint(height * ratio[1]), width)
    return np.stack([h, w], axis=1)


def _filled(canvas: NDArray[Any], size: tuple[int, ...]) -> NDArray[np.float64]:
    return np.broadcast_to(np.asarray(size, np.float64), canvas.shape)
