"""Mirrors, quarter turns, turns and zooms of volumes. Labels follow."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from typing_extensions import override

from vesalius.views.frame import Frame
from vesalius.views.operation import Chance, Geometry, Interval, Occasional, Values, between, refuse

Axis = Literal[0, 1, 2]


class Flip(Geometry, Occasional):
    """Mirrors, each axis with probability ``p`` for itself (MONAI's ``RandFlip`` once for each axis)."""

    name = "flip"
    dims = (3,)

    p: float = Field(default=0.5, ge=0, le=1)
    axes: tuple[Axis, ...] = (0, 1, 2)
    """Which axes: 0 is x (left and right), 1 y (front and back), 2 z (up and down)."""

    @override
    def draw(self, chance: Chance, canvas: NDArray[np.float64], size: tuple[int, ...]) -> Values:
        u, on = chance(3), np.zeros((len(canvas), 3), np.bool_)
        for axis in self.axes:
            on[:, axis] = self.chosen(chance, u[:, axis])
        return {"on": on}

    @override
    def place(self, frame: Frame, values: Values, size: tuple[int, ...]) -> Frame:
        step = np.tile(np.eye(4), (len(frame.matrix), 1, 1))
        for axis in self.axes:
            on = np.asarray(values["on"][:, axis], bool)
            step[on, 2 - axis, 2 - axis] = -1
            step[on, 2 - axis, 3] = frame.canvas[on, axis]
        return frame.then(step, frame.canvas)


class Rotate90(Geometry, Occasional):
    """One to ``most`` quarter turns in one plane (MONAI's ``RandRotate90``)."""

    name = "rotate90"
    dims = (3,)

    p: float = Field(default=0.1, ge=0, le=1)
    axes: tuple[Axis, Axis] = (0, 1)
    """The plane: the first axis is turned towards the second."""
    most: int = Field(default=3, ge=1, le=3)

    @field_validator("axes")
    @classmethod
    def _two(cls, value: tuple[Axis, Axis]) -> tuple[Axis, Axis]:
        if value[0] == value[1]:
            raise ValueError("must be two axes")
        return value

    @override
    def draw(self, chance: Chance, canvas: NDArray[np.float64], size: tuple[int, ...]) -> Values:
        a, b = self.axes
        if (canvas[:, a] != canvas[:, b]).any():
            raise refuse(
                f"rotate90 turns the axes {a} and {b} of windows whose sides along them differ, so that another shape would come out. Choose "
                "two axes of equal sides, or leave it out."
            )
        u = chance(2)
        return {"turns": np.where(self.chosen(chance, u[:, 0]), 1 + np.floor(u[:, 1] * self.most), 0).astype(np.int8)}

    @override
    def place(self, frame: Frame, values: Values, size: tuple[int, ...]) -> Frame:
        a, b = (2 - axis for axis in self.axes)
        quarter = np.tile(np.eye(4), (len(frame.matrix), 1, 1))
        # As numpy's rot90: along a comes what lay along b, and along b what lay along a, from its end.
        quarter[:, [a, b], [a, b]] = 0
        quarter[:, a, b], quarter[:, b, a] = 1, -1
        quarter[:, b, 3] = frame.canvas[:, self.axes[0]]
        step, turns = np.tile(np.eye(4), (len(frame.matrix), 1, 1)), np.asarray(values["turns"])
        for number in range(1, 4):
            step = np.where((turns >= number)[:, None, None], step @ quarter, step)
        return frame.then(step, frame.canvas)


class Affine3d(Geometry, Occasional):
    """Turned and zoomed around the middle, trilinear; 0 beyond the window, so read one larger than the view.

    Turns are in voxels: where slices are thick, turn around z alone.
    """

    name = "affine3d"
    dims = (3,)
    turns: ClassVar[bool] = True

    p: float = Field(default=0.2, ge=0, le=1)
    degrees: float | tuple[float, float, float] = 15.0
    """Turns around x, y and z, each from -d to d; a number serves all three."""
    scale: Annotated[Interval, Field()] = (0.85, 1.25)
    """Zoom: above 1 enlarges; from 0.5 on, below which voxels would be passed over."""

    @field_validator("scale")
    @classmethod
    def _seen(cls, value: Interval) -> Interval:
        if value[0] < 0.5:
            raise ValueError("must be 0.5 or more")
        return value

    @override
    def draw(self, chance: Chance, canvas: NDArray[np.float64], size: tuple[int, ...]) -> Values:
        u = chance(5)
        on = self.chosen(chance, u[:, 0])
        most = np.broadcast_to(np.asarray(self.degrees, np.float64), 3)
        return {
            "angles": np.where(on[:, None], most * (2 * u[:, 1:4] - 1), 0.0).astype(np.float32),
            "scale": np.where(on, between(self.scale, u[:, 4]), 1.0).astype(np.float32),
        }

    @override
    def place(self, frame: Frame, values: Values, size: tuple[int, ...]) -> Frame:
        angles, zoom = (np.asarray(values[name], np.float64) for name in ("angles", "scale"))
        # Where an output voxel comes from: the inverse of zoom * turn, around the middle.
        back = _turn(np.radians(angles)).transpose(0, 2, 1)[:, ::-1, ::-1] / zoom[:, None, None]
        middle = frame.canvas[:, ::-1] / 2
        step = np.zeros((len(zoom), 4, 4))
        step[:, :3, :3], step[:, 3, 3] = back, 1
        step[:, :3, 3] = middle - np.einsum("nij,nj->ni", back, middle)
        return replace(frame.then(step, frame.canvas), crisp=False)


def _turn(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(N, 3, 3)``: around x, then y, then z, of ``angles`` (N, 3)."""
    whole = np.tile(np.eye(3), (len(angles), 1, 1))
    for axis in range(3):
        a, b = (i for i in range(3) if i != axis)
        sign = -1 if axis == 1 else 1
        step = np.tile(np.eye(3), (len(angles), 1, 1))
        cos, sin = np.cos(angles[:, axis]), sign * np.sin(angles[:, axis])
        step[:, a, a], step[:, b, b], step[:, a, b], step[:, b, a] = cos, cos, -sin, sin
        whole = step @ whole
    return whole
