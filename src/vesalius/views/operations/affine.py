"""Rotation, shear, translation and zoom around the middle of the image."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from typing_extensions import override

from vesalius.views.frame import Frame
from vesalius.views.operation import Chance, Geometry, Interval, Occasional, Values, between


class Affine(Geometry, Occasional):
    """Random affine map (torchvision's ``RandomAffine`` with bilinear sampling)."""

    name = "affine"
    dims = (2,)
    turns: ClassVar[bool] = True

    degrees: float | Interval = 0.0
    """Rotation; a number d stands for [-d, d]."""
    translate: tuple[float, float] = (0.0, 0.0)
    """Largest shift in x and y as a share of width and height; whole pixels are drawn."""
    scale: Interval = (1.0, 1.0)
    """Zoom: above 1 enlarges."""
    shear: float | Interval = 0.0
    """Shear along x in degrees; a number d stands for [-d, d]."""
    shear_y: float | Interval = 0.0
    """Shear along y in degrees."""
    outside: Literal["black", "edge"] = "black"
    """What is seen beyond the image."""

    @field_validator("translate")
    @classmethod
    def _shares(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not all(0 <= v <= 1 for v in value):
            raise ValueError("must be two shares of the image's sides, in [0, 1]")
        return value

    @field_validator("scale")
    @classmethod
    def _positive(cls, value: Interval) -> Interval:
        if value[0] <= 0:
            raise ValueError("must be above 0")
        return value

    @field_validator("shear", "shear_y")
    @classmethod
    def _below_right_angle(cls, value: float | Interval) -> float | Interval:
        if max(abs(v) for v in _degrees(value)) >= 90:
            raise ValueError("must lie between -90 and 90 degrees")
        return value

    p: float = Field(default=1.0, ge=0, le=1)

    @override
    def draw(self, chance: Chance, canvas: NDArray[np.float64], size: tuple[int, ...]) -> Values:
        u = chance(7)
        on = self.chosen(chance, u[:, 0])
        most = canvas[:, ::-1] * np.asarray(self.translate)
        shift = np.rint(most * (2 * u[:, 2:4] - 1))
        angles = [between(_degrees(d), u[:, i]) for d, i in ((self.degrees, 1), (self.shear, 5), (self.shear_y, 6))]
        return {
            "angle": np.where(on, angles[0], 0.0).astype(np.float32),
            "translate": np.where(on[:, None], shift, 0.0).astype(np.float32),
            "scale": np.where(on, between(self.scale, u[:, 4]), 1.0).astype(np.float32),
            "shear": np.where(on[:, None], np.stack(angles[1:], axis=1), 0.0).astype(np.float32),
        }

    @override
    def place(self, frame: Frame, values: Values, size: tuple[int, ...]) -> Frame:
        angle, shear, zoom, shift = (
            np.asarray(values[k], np.float64) for k in ("angle", "shear", "scale", "translate")
        )
        # Where an output pixel comes from: the inverse of zoom * rotation * shear, around the middle, after the shift.
        back = np.linalg.inv(_forward(np.radians(angle), *np.radians(shear).T)) / zoom[:, None, None]
        middle = frame.canvas[:, ::-1] / 2
        step = np.zeros((len(zoom), 3, 3))
        step[:, :2, :2], step[:, 2, 2] = back, 1
        step[:, :2, 2] = middle - np.einsum("nij,nj->ni", back, middle + shift)
        return replace(frame.then(step, frame.canvas), edge=self.outside == "edge", crisp=False)


def _forward(
    angle: NDArray[np.float64], shear_x: NDArray[np.float64], shear_y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """``(N, 2, 2)``: rotation times shear in y times shear in x, torchvision's convention."""
    a = np.cos(angle - shear_y) / np.cos(shear_y)
    b = -np.cos(angle - shear_y) * np.tan(shear_x) / np.cos(shear_y) - np.sin(angle)
    c = np.sin(angle - shear_y) / np.cos(shear_y)
    d = -np.sin(angle - shear_y) * np.tan(shear_x) / np.cos(shear_y) + np.cos(angle)
    return np.stack([a, b, c, d], axis=1).reshape(-1, 2, 2)


def _degrees(value: float | Interval) -> tuple[float, float]:
    return value if isinstance(value, tuple) else (-abs(value), abs(value))
