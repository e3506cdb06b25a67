"""From parameters to operations of views with numbers made by hand, one for each parameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from vesalius.evaluate.transformed.fields import displacement
from vesalius.evaluate.transformed.grids import Parameter
from vesalius.views.operation import Geometry, Operation, Parameters, Pixelwise, Values
from vesalius.views.operations.affine import Affine
from vesalius.views.operations.blur import blur as blurred
from vesalius.views.operations.blur import reach
from vesalius.views.operations.colour import BRIGHTNESS, HUE, ColourJitter, Greyscale
from vesalius.views.operations.crop import RandomResizedCrop
from vesalius.views.operations.equalise import Equalise8Bit
from vesalius.views.operations.flip import HorizontalFlip, VerticalFlip
from vesalius.views.operations.invert import Invert
from vesalius.views.operations.posterise import Posterise
from vesalius.views.operations.sharpness import Sharpness

Made = tuple[Operation, Values] | Float[Tensor, "parameters height width 2"]
"""An operation with its values (k, ...), or a displacement of every pixel."""
Make = Callable[[Sequence[Parameter], tuple[int, int]], Made]
"""Parameters (k) and the height and width of the images to what is done."""


def _numbers(parameters: Sequence[Parameter], least: int = 1, other: float = 0.0) -> NDArray[np.float64]:
    """``(k, columns)`` of parameters, filled up with ``other`` to at least ``least`` columns."""
    rows = [one if isinstance(one, tuple) else (one,) for one in parameters]
    return np.array([[*row, *[other] * (least - len(row))] for row in rows], np.float64)


def _affine(count: int, **values: Any) -> Made:
    neutral = {"angle": np.zeros(count), "translate": np.zeros((count, 2)), "scale": np.ones(count), "shear": np.zeros((count, 2))}
    return Affine(), neutral | values


def _sheared(shear: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([shear, np.zeros_like(shear)], axis=1)


def rotation(parameters: Sequence[Parameter], size: tuple[int, int]) -> Made:
    """Counter-clockwise degrees, as torchvision's ``rotate`` has them; its affine map turns clockwise."""
    return _affine(len(parameters), angle=-_numbers(parameters)[:, 0])


def translation(parameters: Sequence[Parameter], size: tuple[int, int]) -> Made:
    """To the right and down by shares of width and height, in whole pixels."""
    x, y, shear = _numbers(parameters, 3).T
    return _affine(len(parameters), translate=np.rint(np.stack([x * size[1], y * size[0]], axis=1)), shear=_sheared(shear))


def scale(parameters: Sequence[Parameter], size: tuple[int, int]) -> Made:
    """Enlarged around the middle by a factor."""
    zoom, shear = _numbers(parameters, 2).T
    return _affine(len(parameters), scale=zoom, shear=_sheared(shear))


def shear(parameters: Sequence[Parameter], size: tuple[int, int]) -> Made:
    """Degrees along x and y, around the middle."""
    return _affine(len(parameters), shear=_numbers(parameters))


def resized_crop(parameters: Sequence[Parameter], size: tuple[int, int]) -> Made:
    """A box of whole pixels brought back to the whole size."""
    box = np.rint(_numbers(parameters) * np.array([*size, *size]))
    box[:, 2:] = np.maximum(box[:, 2:], 1)
    return RandomResizedCrop(), {"box": box}


def deform(parameters: Sequence[Parameter], size: tuple[int, int]) -> Made:
    """Bent by a field."""
    return displacement(tuple(one for one in parameters if isinstance(one, tuple)), size)


def switched(operation: Geometry | Pixelwise) -> Make:
    """What is done where the parameter is 1 and not where it is 0."""
    return lambda parameters, size: (operation, {"on": _numbers(parameters)[:, 0] > 0.5})


def coloured(which: int) -> Make:
    """One of brightness, contrast, saturation and hue by its factor, or turn."""
    names = ("brightness", "contrast", "saturation", "hue")

    def make(parameters: Sequence[Parameter], size: tuple[int, int]) -> Made:
        neutral = {name: np.full(len(parameters), float(number != HUE)) for number, name in enumerate(names)}
        order = np.tile(np.arange(BRIGHTNESS, HUE + 1), (len(parameters), 1))
        return ColourJitter(), neutral | {names[which]: _numbers(parameters)[:, 0], "order": order}

    return make


class _Bell(Pixelwise):
    """``gaussian_blur`` with a bell of its own width for each item."""

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("sigma") > 0)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        return blurred(x, p.host("sigma"), p.host("radius"))


def blur(parameters: Sequence[Parameter], size: tuple[int, int]) -> Made:
    """A bell whose standard deviation is a share of the shorter side, as wide as it asks or cut off at a share of the side (the second number)."""
    side = min(size)
    sigma, cut = _numbers(parameters, 2, np.inf).T * side
    widest = np.minimum(np.rint(cut), side - 1).astype(np.int64)
    return _Bell(), {"sigma": sigma, "radius": np.minimum(reach(sigma), widest)}


def sharpness(parameters: Sequence[Parameter], size: tuple[int, int]) -> Made:
    """Away from a slightly blurred image (0) through the image (1)."""
    return Sharpness(), {"factor": _numbers(parameters)[:, 0]}


def posterize(parameters: Sequence[Parameter], size: tuple[int, int]) -> Made:
    """So many bits are kept of each value."""
    return Posterise(), {"bits": _numbers(parameters)[:, 0].astype(np.int64)}


h_flip, v_flip = switched(HorizontalFlip()), switched(VerticalFlip())
grayscale, invert, equalize = switched(Greyscale()), switched(Invert()), switched(Equalise8Bit())
