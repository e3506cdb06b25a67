"""The hourglass network with skip connections that an image is painted by.

Ulyanov, Vedaldi and Lempitsky, "Deep Image Prior" (CVPR 2018), section 3.5 and supplement, in the sizes of Zhao, Wu, Lau and Lin, "What makes
instance discrimination good for transfer learning?" (ICLR 2021), which SSL_medicalimaging took over: 2,606,763 parameters for three channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vesalius import random

CHANNELS = (16, 32, 64, 128, 128, 128)
"""Of each scale, down and up, from the finest."""
KERNELS = (7, 7, 5, 5, 3, 3)
SKIP = 4
NOISE_CHANNELS, NOISE = 32, 0.1
_SLOPE = 0.2
_LARGE = 32 * 32
"""Pixels of a map from which on kernels are folded: below, that takes longer than the convolution."""


def scales_of(size: Sequence[int]) -> int:
    """How many scales images of ``size`` have: the documented six from 128 pixels on; of smaller ones as many as leave 2 pixels at the bottom."""
    return max(1, min(len(CHANNELS), int(math.log2(max(2, min(size)))) - 1))


class Generators(nn.Module):
    """One generator for each of ``seeds``, all of them in one pass: channels of image i are group i of every convolution, and BatchNorm's
    statistics, over one image's pixels, are its own. So k of them are k networks that know nothing of each other.

    ``forward() -> (k, channels, *size)``, any real numbers: the network ends in no sigmoid. Its input, uniform noise in [0, 0.1), is fixed: the
    buffer ``noise`` (1, 32 k, rows, columns), sides rounded up to a multiple of 2^scales. ``size``: rows and columns, from 8 on.
    A convolution before a BatchNorm has a bias, as documented; the BatchNorm takes it off again, so that it is not added here.
    """

    noise: Tensor

    def __init__(self, seeds: Sequence[int], channels: int, size: Sequence[int]) -> None:
        super().__init__()
        self.images, self.channels, self.size = len(seeds), channels, tuple(size)
        self.scales = scales_of(size)
        step = 2**self.scales
        sides = [max(2, -(-side // step)) * step for side in size]
        self.weights = nn.ParameterDict()
        drawn = [_drawn(seed, channels, self.scales, sides) for seed in seeds]
        for name in drawn[0]:
            stacked = torch.cat([one[name] for one in drawn], 1 if name == "noise" else 0)
            if name == "noise":
                self.register_buffer("noise", stacked)
            else:
                self.weights[name] = nn.Parameter(stacked)

    @property
    def parameters_each(self) -> int:
        """Parameters of one generator."""
        return sum(parameter.numel() for parameter in self.parameters()) // self.images

    def forward(self) -> Float[Tensor, "images channels rows columns"]:
        """The images as they are painted now."""
        x = self._scale(0, self.noise)
        x = F.conv2d(x, self.weights["out/weight"], self.weights["out/bias"], groups=self.images)
        x = x[:, :, : self.size[0], : self.size[1]]
        return x.reshape(self.images, self.channels, *self.size)

    def _scale(self, scale: int, x: Tensor) -> Tensor:
        """What scale ``scale`` and all below it make of ``x``, at the size of ``x``."""
        skip = self._normed(f"{scale}/skip", self._convolved(f"{scale}/skip", x))
        deep = self._normed(f"{scale}/down", self._convolved_and_halved(f"{scale}/down", x))
        deep = self._normed(f"{scale}/again", self._convolved(f"{scale}/again", deep))
        if scale + 1 < self.scales:
            deep = self._scale(scale + 1, deep)
        up = self._joined(scale, skip, deep)
        up = self._normed(f"{scale}/up", up)
        return self._normed(f"{scale}/mix", self._convolved(f"{scale}/mix", up))

    def _convolved(self, name: str, x: Tensor) -> Tensor:
        weight = self.weights[f"{name}/weight"]
        return F.conv2d(x, weight, padding=weight.shape[-1] // 2, groups=self.images)

    def _convolved_and_halved(self, name: str, x: Tensor) -> Tensor:
        """A convolution, then means of 2 by 2 pixels; of large maps one convolution of stride 2 by the mean of four shifted kernels, a third of
        the work.
        """
        weight = self.weights[f"{name}/weight"]
        if _area(x) < _LARGE:
            return F.avg_pool2d(self._convolved(name, x), 2)
        side = weight.shape[-1]
        wider = (weight.flatten(2) @ _shifting(side).to(weight)).view(*weight.shape[:2], side + 1, side + 1)
        return F.conv2d(x, wider, stride=2, padding=side // 2, groups=self.images)

    def _joined(self, scale: int, skip: Tensor, deep: Tensor) -> Tensor:
        """BatchNorm and convolution of ``skip`` beside ``deep`` doubled in size.

        A doubled map has the statistics of the map. Of large ones the four pixels of a block see the same pixels of the map through four
        kernels of about half the width: the convolution is made at the size of ``deep``, a channel for each of the four, and spread afterwards.
        """
        weight = self.weights[f"{scale}/up/weight"]
        gain, shift = (self.weights[f"{scale}/join/{part}"].view(self.images, -1) for part in ("gain", "shift"))
        skip = self._standardised(skip, gain[:, :SKIP], shift[:, :SKIP])
        deep = self._standardised(deep, gain[:, SKIP:], shift[:, SKIP:])
        side, own = weight.shape[-1], weight[:, SKIP:]
        fine = F.conv2d(skip, weight[:, :SKIP], padding=side // 2, groups=self.images)
        if _area(skip) < _LARGE:
            return fine + F.conv2d(F.interpolate(deep, scale_factor=2.0), own, padding=side // 2, groups=self.images)
        spread = _spreading(side).to(weight)
        reach = math.isqrt(spread.shape[-1] // 4)
        kernels = (own.flatten(2) @ spread).unflatten(2, (4, reach, reach)).transpose(1, 2).flatten(0, 1)
        return fine + F.pixel_shuffle(F.conv2d(deep, kernels, padding=reach // 2, groups=self.images), 2)

    def _normed(self, name: str, x: Tensor) -> Tensor:
        """BatchNorm and LeakyReLU."""
        return F.leaky_relu(self._standardised(x, self.weights[f"{name}/gain"], self.weights[f"{name}/shift"]), _SLOPE, inplace=True)

    def _standardised(self, x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
        return F.batch_norm(x, None, None, gain.reshape(-1), shift.reshape(-1), training=True)


def _area(x: Tensor) -> int:
    return x.shape[-2] * x.shape[-1]


@lru_cache
def _shifting(side: int) -> Tensor:
    """(side^2, (side + 1)^2): what of a kernel stands where in the mean of the four that are shifted by none or one pixel down and across."""
    line = (F.pad(torch.eye(side), (0, 1)) + F.pad(torch.eye(side), (1, 0))) / 2
    return torch.kron(line, line)


@lru_cache
def _spreading(side: int) -> Tensor:
    """(side^2, 4 reach^2): which pixels of a map each entry of a kernel on the doubled one falls on, for the four pixels of a block."""
    half = side // 2
    before = (half + 1) // 2  # pixels of the map on either side
    at = torch.arange(side) - half
    lines = [F.one_hot(torch.div(at + block, 2, rounding_mode="floor") + before, 2 * before + 1).float() for block in (0, 1)]
    return torch.cat([torch.kron(down, across) for down in lines for across in lines], 1)


def _drawn(seed: int, channels: int, scales: int, sides: Sequence[int]) -> dict[str, Tensor]:
    """The tensors of one generator at the start, as torch's own layers draw them, and its noise."""
    source = torch.Generator().manual_seed(random.torch_seed("generator", seed))
    made: dict[str, Tensor] = {}

    def convolution(name: str, width: int, out: int, kernel: int) -> None:
        bound = 1 / math.sqrt(width * kernel**2)
        made[f"{name}/weight"] = torch.empty(out, width, kernel, kernel).uniform_(-bound, bound, generator=source)
        made[f"{name}/bias"] = torch.empty(out).uniform_(-bound, bound, generator=source)

    def norm(name: str, width: int) -> None:
        made[f"{name}/gain"], made[f"{name}/shift"] = torch.ones(width), torch.zeros(width)

    width = NOISE_CHANNELS
    for scale, (own, kernel) in enumerate(zip(CHANNELS[:scales], KERNELS, strict=False)):
        below = CHANNELS[scale + 1] if scale + 1 < scales else own
        for name, taken, out, side in (
            ("skip", width, SKIP, 1), ("down", width, own, kernel), ("again", own, own, kernel), ("up", SKIP + below, own, kernel), ("mix", own, own, 1),
        ):  # fmt: skip
            convolution(f"{scale}/{name}", taken, out, side)
            norm(f"{scale}/{name}", out)
        norm(f"{scale}/join", SKIP + below)
        width = own
    convolution("out", CHANNELS[0], channels, 1)
    made["noise"] = NOISE * torch.rand(1, NOISE_CHANNELS, *sides, generator=source)
    return made
