"""How far each transform of invariance is from torchvision's with the same parameter, over every parameter of both grids.

Run as ``python -m tests.evaluate.transformed.differences`` it prints one JSON line for each transform, on a retina and a slide of tissue
at 224 pixels: as floats, and against torchvision on the same images as 8-bit integers, in steps of 1/255.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

from vesalius.evaluate.transformed.applying import applied
from vesalius.evaluate.transformed.fields import displacement
from vesalius.evaluate.transformed.grids import Parameter
from vesalius.evaluate.transformed.transforms import TRANSFORMS

BILINEAR = InterpolationMode.BILINEAR
Peer = Callable[[Tensor, Sequence[float]], Tensor]


def _affine(x: Tensor, angle: float = 0.0, shift: Sequence[float] = (0, 0), zoom: float = 1.0, shear: Sequence[float] = (0, 0)) -> Tensor:
    return F.affine(x, angle, [round(v) for v in shift], zoom, list(shear), interpolation=BILINEAR)


def _shift(x: Tensor, one: Sequence[float]) -> Tensor:
    return _affine(x, shift=(one[0] * x.shape[2], one[1] * x.shape[1]), shear=(one[2] if len(one) > 2 else 0, 0))


def _box(x: Tensor, one: Sequence[float]) -> Tensor:
    height, width = x.shape[1:]
    return F.resized_crop(x, *(round(share * side) for share, side in zip(one, (height, width, height, width))), [height, width])


def _bend(x: Tensor, one: Sequence[float]) -> Tensor:
    return F.elastic(x, displacement((tuple(one),), (x.shape[1], x.shape[2])), interpolation=BILINEAR)


def _blur(x: Tensor, one: Sequence[float]) -> Tensor:
    side = min(x.shape[1:])
    sigma, most = one[0] * side, one[1] * side if len(one) > 1 else side - 1
    radius = max(0, min(round(most), side - 1, math.ceil(3.2 * sigma - 0.5)))
    return F.gaussian_blur(x, [2 * radius + 1] * 2, [sigma, sigma])


PEERS: Mapping[str, Peer] = {
    "rotation": lambda x, one: F.rotate(x, one[0], interpolation=BILINEAR),
    "translation": _shift,
    "scale": lambda x, one: _affine(x, zoom=one[0], shear=(one[1] if len(one) > 1 else 0, 0)),
    "shear": lambda x, one: _affine(x, shear=one),
    "resized_crop": _box,
    "h_flip": lambda x, one: F.horizontal_flip(x) if one[0] else x,
    "v_flip": lambda x, one: F.vertical_flip(x) if one[0] else x,
    "deform": _bend,
    "grayscale": lambda x, one: F.rgb_to_grayscale(x, 3) if one[0] else x,
    "brightness": lambda x, one: F.adjust_brightness(x, one[0]),
    "contrast": lambda x, one: F.adjust_contrast(x, one[0]),
    "saturation": lambda x, one: F.adjust_saturation(x, one[0]),
    "hue": lambda x, one: F.adjust_hue(x, one[0]),
    "blur": _blur,
    "sharpness": lambda x, one: F.adjust_sharpness(x, one[0]),
    "invert": lambda x, one: F.invert(x) if one[0] else x,
    "equalize": lambda x, one: F.equalize(x) if one[0] else x,
    "posterize": lambda x, one: F.posterize(x, int(one[0])),
}


def theirs(name: str, x: Tensor, parameter: Parameter) -> Tensor:
    """torchvision's ``name`` of one image (C, height, width), in floats or 8-bit integers."""
    return PEERS[name](x, parameter if isinstance(parameter, tuple) else (parameter,))


def largest(name: str, x: Tensor, parameters: Sequence[Parameter], peer: Tensor | None = None) -> float:
    """The largest difference over images ``x`` (n, C, height, width) and parameters; ``peer``: the same images as torchvision gets them."""
    ours, most = applied(x, TRANSFORMS[name], parameters), 0.0
    for image, each in zip(x if peer is None else peer, ours):
        for parameter, view in zip(parameters, each):
            want = theirs(name, image, parameter)
            want = want if want.is_floating_point() else want.float() / 255
            most = max(most, float((view - want).abs().max()))
    return most


def real_images() -> Tensor:
    """``(2, 3, 224, 224)`` of 8 bits: a retina and a slide of tissue."""
    from skimage import data

    both = [torch.from_numpy(image).movedim(-1, 0) for image in (data.retina(), data.immunohistochemistry())]
    return torch.stack([F.resize(image, [224, 224], antialias=True) for image in both])


def lines() -> Iterator[dict[str, object]]:
    """One for each transform: parameters compared, and the largest differences."""
    stored = real_images()
    x = stored.float() / 255
    for name, transform in TRANSFORMS.items():
        both = [*transform.parameters(), *transform.parameters(compat=True)[:: 1 if transform.runs < 256 else 5]]
        found, in_bytes = largest(name, x, both), largest(name, x, both, stored)
        yield {"name": name, "views": len(both) * len(x), "largest": found, "largest_8_bit_steps": round(in_bytes * 255, 2)}


if __name__ == "__main__":
    for line in lines():
        print(json.dumps(line), flush=True)
