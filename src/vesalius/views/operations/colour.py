"""Brightness, contrast, saturation and hue in one go, and greyscale.

Brightness, contrast and saturation each keep an image of the form ``a * y + grey plane``. So four of them in any order
are a handful of numbers per image, worked out on the host, and one pass over the pixels; the mean that contrast needs
follows from the channel means. Hue is exact in HSV: being linear along the grey axis and positively homogeneous it may be taken first.
Values are clamped to [0, 1] once, at the end (torchvision clamps after each of the four).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor
from typing_extensions import override

from vesalius.views.operation import (
    Chance,
    Interval,
    Occasional,
    Parameters,
    Pixelwise,
    Switched,
    Values,
    between,
    refuse,
)

LUMA = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R 601-2, as in Pillow and torchvision)."""

BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)
_NAMES = ("brightness", "contrast", "saturation", "hue")
_NEUTRAL = (1.0, 1.0, 1.0, 0.0)
_TINY = torch.tensor(1e-30)


def _check_colours(name: str, channels: int) -> None:
    if channels not in (1, 3):
        raise refuse(
            f"{name} is defined for images of 1 or 3 channels, and these have {channels}. Leave it out of the recipe."
        )


class ColourJitter(Pixelwise, Occasional):
    """Random brightness, contrast, saturation and hue in random order (torchvision's ``ColorJitter`` in ``RandomApply``).

    A number s stands for the range [max(0, 1 - s), 1 + s], for hue [-s, s]; a pair is the range itself. Saturation and
    hue leave images of one channel as they are.
    """

    name = "colour_jitter"
    dims = (2,)

    brightness: float | Interval = 0.0
    contrast: float | Interval = 0.0
    saturation: float | Interval = 0.0
    hue: float | Interval = Field(default=0.0)
    """In turns of the colour circle: 0.5 is the opposite colour."""

    @field_validator("brightness", "contrast", "saturation")
    @classmethod
    def _factor(cls, value: float | Interval) -> float | Interval:
        low, high = value if isinstance(value, tuple) else (value, value)
        if not 0 <= low <= high:
            raise ValueError("must be a number >= 0 or a range [low, high] with 0 <= low <= high")
        return value

    @field_validator("hue")
    @classmethod
    def _turn(cls, value: float | Interval) -> float | Interval:
        low, high = value if isinstance(value, tuple) else (-value, value)
        if not -0.5 <= low <= high <= 0.5:
            raise ValueError("must be a number in [0, 0.5] or a range inside [-0.5, 0.5]")
        return value

    @override
    def check(self, channels: int) -> None:
        if self.saturation not in (0.0, (1.0, 1.0)) or self.hue not in (0.0, (0.0, 0.0)):
            _check_colours("colour_jitter with saturation or hue", channels)

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        u = chance(9)
        on = self.chosen(chance, u[:, 0])
        ranges = [
            _range(self.brightness, 1.0),
            _range(self.contrast, 1.0),
            _range(self.saturation, 1.0),
            _range(self.hue, 0.0),
        ]
        factors = [np.where(on, between(r, u[:, 1 + i]), float(i != HUE)) for i, r in enumerate(ranges)]
        named = dict(zip(_NAMES, (f.astype(np.float32) for f in factors)))
        return {**named, "order": np.argsort(u[:, 5:], axis=1, kind="stable").astype(np.int8)}

    @override
    def prepare(self, values: Values, channels: int) -> Values:
        factors = np.stack([values[k] for k in _NAMES], axis=1).astype(np.float64)
        if channels != 3:
            factors[:, SATURATION:] = _NEUTRAL[SATURATION:]
        form = _compose(factors, np.asarray(values["order"]), sum(LUMA) if channels == 3 else 1.0)
        return {**form._asdict(), "turns": factors[:, HUE], "on": (factors != _NEUTRAL).any(axis=1)}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        on: NDArray[np.bool_] = p.host("on")
        return on

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        planes: list[Tensor] = []

        def add(mean: str, plane: str) -> None:
            """The grey of x as it is now, its mean and itself, with their weights."""
            whole = p.host(plane).any()
            if not whole and not p.host(mean).any():
                return
            level = grey(x) if whole else x
            if p.host(mean).any():
                planes.append(mean_grey(level).mul_(p.device(mean)))
            if whole:
                planes.append(level.mul_(p.device(plane)))

        add("mean_x", "before")
        if p.host("turns").any():
            x = shift_hue(x, p.device("turns"))
        add("mean_y", "after")
        planes.sort(key=Tensor.numel)
        if not planes or planes[-1].numel() == len(x):
            # Only numbers for whole images: two quick passes beat one that repeats two operands.
            x.mul_(p.device("a"))
            for number in planes:
                x.add_(number)
        else:
            offset = planes.pop()
            for plane in planes:
                offset.add_(plane)
            torch.addcmul(offset, x, p.device("a"), out=x)
        return x.clamp_(0, 1)


class Greyscale(Switched):
    """All channels become the image's grey; images of one channel stay as they are."""

    name = "greyscale"
    dims = (2,)

    p: float = Field(default=0.1, ge=0, le=1)

    @override
    def check(self, channels: int) -> None:
        _check_colours("greyscale", channels)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        return x.copy_(grey(x).expand_as(x)) if x.shape[1] == 3 else x


def grey(x: Tensor) -> Tensor:
    """``(N, 1, *size)`` grey of ``x`` (N, 3, *size); other images: the mean of their channels."""
    if x.shape[1] != 3:
        return x.mean(dim=1, keepdim=True)
    r, g, b = torch.split(x, 1, dim=1)
    plane: Tensor = r * LUMA[0]
    return plane.add_(g, alpha=LUMA[1]).add_(b, alpha=LUMA[2])


def mean_grey(x: Tensor) -> Tensor:
    """``(N, 1, 1, 1)``: the mean of each image's grey."""
    return grey(x.mean(dim=(2, 3), keepdim=True))


def shift_hue(x: Tensor, turns: Tensor) -> Tensor:
    """Turn the hue of ``x`` (N, 3, height, width) by ``turns`` (N, 1, 1, 1) of the colour circle, in place, as HSV has it.

    Largest and smallest channel stay; every channel is ``smallest + chroma * ramp(hue)`` with one trapezoid per
    channel. Works for values outside [0, 1] too. Without comparisons, which are slow on the CPU: with the channels
    scaled to smallest 0 and largest 1 the hue is at 1 + green + blue - red sixths from red, towards green where green > blue.
    """
    r, g, b = torch.split(x, 1, dim=1)
    low = torch.minimum(r, g)
    torch.minimum(low, b, out=low)
    chroma = torch.maximum(r, g)
    torch.maximum(chroma, b, out=chroma).sub_(low)
    spare = g - b
    chroma6 = torch.add(_TINY, chroma, alpha=6)
    hue = torch.add(g, b).sub_(r).sub_(low).add_(chroma).div_(chroma6).copysign_(spare).add_(turns)
    hue.sub_(torch.round(hue, out=spare))
    # Now in [-1/2, 1/2] turns from red. Red falls with the distance from red; green and blue rise with that from magenta and yellow.
    high = torch.add(low, chroma, alpha=2)
    low.sub_(chroma)
    torch.addcmul(high, chroma6, torch.abs(hue, out=spare).clamp_(1 / 6, 2 / 6), value=-1, out=r)
    torch.addcmul(low, chroma6, torch.add(hue, 1 / 6, out=spare).abs_().clamp_(1 / 6, 2 / 6), out=g)
    torch.addcmul(low, chroma6, hue.sub_(1 / 6).abs_().clamp_(1 / 6, 2 / 6), out=b)
    return x


class _Form(NamedTuple):
    """``a * y + after * grey(y) + before * grey(x) + mean_x * mean(grey(x)) + mean_y * mean(grey(y))``, y = hue turned x."""

    a: NDArray[np.float64]
    after: NDArray[np.float64]
    before: NDArray[np.float64]
    mean_x: NDArray[np.float64]
    mean_y: NDArray[np.float64]


def _compose(factors: NDArray[np.float64], order: NDArray[np.integer], luma: float) -> _Form:
    """The four operations of each image in its own order as one form. ``luma``: the grey of white."""
    n = len(factors)
    a, after, before, mean_x, mean_y = np.ones(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    for step in range(order.shape[1]):
        which = order[:, step]
        f = factors[np.arange(n), which]
        hue = which == HUE
        k = np.where(hue, 1.0, f)
        # grey(image) = a * grey(y) + luma * the grey plane, of which contrast takes the mean and saturation the plane.
        contrast, saturation = which == CONTRAST, which == SATURATION
        keep = np.where(saturation, k + (1 - k) * luma, k)
        mix = 1 - k
        level = mix * contrast
        mean_x = keep * mean_x + level * luma * (before + mean_x)
        mean_y = keep * mean_y + level * (a + luma * (after + mean_y))
        after, before = keep * after + mix * saturation * a, keep * before
        a = k * a
        # Before the hue is turned y is x: what was grey(y) stays the grey of the unturned image.
        before, after = np.where(hue, before + after, before), np.where(hue, 0.0, after)
        mean_x, mean_y = np.where(hue, mean_x + mean_y, mean_x), np.where(hue, 0.0, mean_y)
    return _Form(a, after, before, mean_x, mean_y)


def _range(value: float | Interval, centre: float) -> Interval:
    if isinstance(value, tuple):
        return value
    return (max(0.0, centre - value) if centre else -value, centre + value)
