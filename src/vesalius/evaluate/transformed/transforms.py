"""The eighteen transforms of ``evaluate invariance``: what each does, by how much, and what changes nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vesalius.evaluate.transformed import grids, making
from vesalius.evaluate.transformed.grids import OFF, ON, Parameter


@dataclass(frozen=True)
class Transform:
    """``parameter``: what its number, or numbers, are, in ``unit``. ``grid``: ours. ``original``: the original's, of ``runs`` numbers
    unless it is asked for others. ``identity``: the parameter that changes nothing. ``make``: parameters to an operation of views.
    ``place``: where a parameter stands on a curve, in units of ``axis``. ``said``: a parameter in a few signs. ``colour``: whether it changes
    nothing of grey images. ``deviates``: what differs from the original's way of applying it, beyond that it applied it to files as they are.
    """

    name: str
    title: str
    parameter: str
    unit: str
    grid: tuple[Parameter, ...]
    original: Callable[[int], tuple[Parameter, ...]]
    runs: int
    identity: Parameter
    make: making.Make
    said: Callable[[Parameter], str]
    place: Callable[[Parameter], float]
    axis: str
    colour: bool = False
    deviates: str = ""

    def parameters(self, compat: bool = False, count: int | None = None) -> Sequence[Parameter]:
        """Ours: ``count`` of the grid evenly spread, all of it where absent; the identity is not among them. ``compat``: the original's, made for
        ``count`` numbers (its k), with the identity where it counted it.
        """
        if compat:
            return self.original(self.runs if count is None else count)
        return self.grid if count is None else grids.thinned(self.grid, count)


def _first(one: Parameter) -> float:
    return float(one[0]) if isinstance(one, tuple) else float(one)


def _length(one: Parameter) -> float:
    assert isinstance(one, tuple)
    return round(math.hypot(*one[:2]), 6)


def _area(one: Parameter) -> float:
    assert isinstance(one, tuple)
    return round(one[2] * one[3], 6)


def _pair(form: str) -> Callable[[Parameter], str]:
    """Its first two numbers in ``form``, a 0 without a sign."""
    return lambda one: ", ".join(form.format(number) if number else "0" for number in (one[:2] if isinstance(one, tuple) else (one,)))


def _alone(form: str) -> Callable[[Parameter], str]:
    return lambda one: form.format(_first(one))


def _box(one: Parameter) -> str:
    assert isinstance(one, tuple)
    top, left, height, width = one
    side = f"{height:.3g}" if height == width else f"{height:.3g} x {width:.3g}"
    return f"{side} at {top:.3g}, {left:.3g}"


def _bend(one: Parameter) -> str:
    assert isinstance(one, tuple)
    return f"{100 * one[0]:.2g} %, field {one[2]:.0f}"


def _switch(one: Parameter) -> str:
    return "on" if _first(one) else "off"


def _switched(name: str, title: str, make: making.Make, colour: bool = False) -> Transform:
    return Transform(name, title, "off or on", "0 or 1", (ON,), lambda k: (OFF, ON), 2, OFF, make, _switch, _first, "off or on", colour)


def _factor(name: str, which: int, colour: bool = False) -> Transform:
    found = grids.powers(-2, 2, 0.25)
    make = making.coloured(which)
    return Transform(name, name, "factor", "times", found, lambda k: grids.line(0.25, 5, k), 256, 1.0, make, _alone("× {:.3g}"), _first, "factor", colour)


_SHARE = "share of the side"
_NEAREST = "bilinear, where the original took the nearest pixel"
_OF_256 = "its pixels are those of images of 256"
_ALL = (
    Transform(
        "rotation", "rotation", "angle, counter-clockwise", "degrees", tuple(15.0 * i for i in range(1, 24)), lambda k: grids.up_to(0, 360, k), 20,
        0.0, making.rotation, _alone("{:.0f}°"), _first, "degrees", deviates=_NEAREST,
    ),
    Transform(
        "translation", "translation", "shift to the right and down", _SHARE, grids.plane((-0.25, -0.125, 0.0, 0.125, 0.25)), grids.original_shifts, 256,
        (0.0, 0.0), making.translation, _pair("{:+.3g}"), _length, "length of the shift, share of the side", deviates=f"{_NEAREST}; {_OF_256}",
    ),
    Transform(
        "scale", "scale", "zoom around the middle, above 1 enlarges", "times", grids.powers(-2, 1, 0.25), grids.original_zooms, 256,
        1.0, making.scale, _alone("× {:.3g}"), _first, "factor", deviates=_NEAREST,
    ),
    Transform(
        "shear", "shear", "angles along x and y", "degrees", grids.plane((-30.0, -15.0, 0.0, 15.0, 30.0)), grids.original_shears, 256,
        (0.0, 0.0), making.shear, _pair("{:.0f}°"), _length, "degrees", deviates=_NEAREST,
    ),
    Transform(
        "resized_crop", "resized crop", "box: top, left, height, width", _SHARE, grids.boxes((0.875, 0.75, 0.625, 0.5)), grids.original_boxes, 256,
        (0.0, 0.0, 1.0, 1.0), making.resized_crop, _box, _area, "share of the area that is kept", deviates=_OF_256,
    ),
    _switched("h_flip", "horizontal flip", making.h_flip),
    _switched("v_flip", "vertical flip", making.v_flip),
    Transform(
        "deform", "deformation", "root mean square displacement, smoothness, number of the field", _SHARE,
        grids.bends((0.005, 0.01, 0.02, 0.03, 0.04), 0.08, 4), grids.original_bends, 256,
        (0.0, 0.08, 0.0), making.deform, _bend, _first, "displacement, share of the side",
        deviates=f"one field for each parameter, the same for every image, where the original drew one for each view; {_OF_256}",
    ),
    _switched("grayscale", "greyscale", making.grayscale, colour=True),
    _factor("brightness", 0),
    _factor("contrast", 1),
    _factor("saturation", 2, colour=True),
    Transform(
        "hue", "hue", "turn of the colour circle", "turns", tuple(i / 12 for i in range(-5, 7) if i), lambda k: grids.line(-0.5, 0.5, k), 5,
        0.0, making.coloured(3), _pair("{:+.2f}"), _first, "turns of the colour circle", colour=True,
    ),
    Transform(
        "blur", "blur", "standard deviation of the bell", _SHARE, tuple(0.0025 * 2 ** (i / 2) for i in range(11)), grids.original_blurs, 256,
        0.0, making.blur, lambda one: f"{round(100 * _first(one), 3):.2g} %", _first, _SHARE,
        deviates="its 20 pixels, and its kernel of 23, are those of images of 224; a bell ends 3.2 deviations out at the latest",
    ),
    Transform(
        "sharpness", "sharpness", "factor, 0 softens", "times", (0.0, 0.5, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 30.0), lambda k: grids.line(1, 30, k), 256,
        1.0, making.sharpness, _alone("× {:.3g}"), _first, "factor",
    ),
    _switched("invert", "inversion", making.invert),
    _switched("equalize", "equalisation", making.equalize),
    Transform(
        "posterize", "posterisation", "bits kept of each value", "bits", tuple(float(bits) for bits in range(7, 0, -1)), grids.original_bits, 7,
        8.0, making.posterize, lambda one: f"{_first(one):.0f} bit{'s' * (_first(one) != 1)}", _first, "bits",
    ),
)  # fmt: skip
TRANSFORMS: Mapping[str, Transform] = {one.name: one for one in _ALL}
"""Name, as the original's ``--transform`` has it, to transform, in the original's order."""
