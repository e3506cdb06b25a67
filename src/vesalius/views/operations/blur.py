"""Gaussian blur, as a product with a banded matrix for rows and one for columns (reflected at the border)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor
from typing_extensions import override

from vesalius.data.to_device import to_device
from vesalius.views.operation import Chance, Interval, Occasional, Parameters, Pixelwise, Values, between
from vesalius.views.product import separable

CUT = 3.2
"""Standard deviations from the middle where the bell is cut off. The 0.14 % left out on each axis change no pixel by 1/255."""
DENSE_TO = 64
"""Sides, in pixels, up to which one matrix takes the whole image; above, blocks of ``BLOCK`` take their surroundings."""
BLOCK = 32


class GaussianBlur(Pixelwise, Occasional):
    """Blur with a random standard deviation (torchvision's ``GaussianBlur`` in ``RandomApply``)."""

    name = "gaussian_blur"

    p: float = Field(default=0.5, ge=0, le=1)
    sigma: Interval = (0.1, 2.0)
    """Standard deviation in pixels."""
    kernel: int | float | None = None
    """Side of the kernel: an odd number of pixels, or a share of the view's side (SimCLR: 0.1); absent, as wide as sigma asks."""

    @field_validator("sigma")
    @classmethod
    def _positive(cls, value: Interval) -> Interval:
        if value[0] <= 0:
            raise ValueError("must be above 0")
        return value

    @field_validator("kernel")
    @classmethod
    def _side(cls, value: int | float | None) -> int | float | None:
        if value is not None and not (0 < value < 1 or (value >= 1 and value % 2 == 1)):
            raise ValueError("must be an odd number of pixels or a share of the side in (0, 1)")
        return value

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        u = chance(2)
        sigma = np.where(self.chosen(chance, u[:, 0]), between(self.sigma, u[:, 1]), 0.0)
        return {"sigma": sigma.astype(np.float32)}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray(p.host("sigma") > 0)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        sigma = np.asarray(p.host("sigma"), np.float64)
        return blur(x, sigma, np.minimum(min(self.radius(side) for side in x.shape[2:]), reach(sigma)))

    def radius(self, side: int) -> int:
        """Pixels of the kernel on each side of its middle, for a view of ``side`` pixels."""
        if self.kernel is None:
            return min(side - 1, int(reach(np.array([self.sigma[1]]))[0]))
        pixels = self.kernel if self.kernel >= 1 else self.kernel * side
        return min(side - 1, int(pixels) // 2)


def reach(sigma: NDArray[np.float64]) -> NDArray[np.int64]:
    """Pixels on each side of the middle that a bell of ``sigma`` (B,) pixels needs; the middle one covers half a pixel."""
    return np.maximum(np.ceil(CUT * sigma - 0.5), 0).astype(np.int64)


def blur(x: Tensor, sigma: NDArray[np.float64], radius: NDArray[np.int64]) -> Tensor:
    """``x`` (N, C, *size) blurred in place, each image with its ``sigma`` (N,) and ``radius`` (N,) in pixels."""
    widest = int(radius.max())
    bells = to_device(_bells(sigma, radius), x.device)
    if x.ndim == 5:
        return x.copy_(_blurred_volumes(x, [_matrices(bells, _reflected(side, widest, x.device)) for side in x.shape[2:]]))
    height, width = x.shape[2:]
    if x.device.type != "cpu" or min(height, width) <= DENSE_TO or widest > BLOCK // 2:
        down = _matrices(bells, _reflected(height, widest, x.device))
        across = down if width == height else _matrices(bells, _reflected(width, widest, x.device))
        return x.copy_(separable(x.transpose(1, 2), down, across))
    outer = _reflected(BLOCK + 2 * widest, widest, x.device)
    first = _matrices(bells, outer[:, :BLOCK, : BLOCK + widest])
    middle = _matrices(bells, outer[:, widest : widest + BLOCK])
    for image, begin, between_ends, r in zip(x, first, middle, radius.tolist()):
        _blur_blocks(image, begin[:, : BLOCK + r], between_ends[:, widest - r : widest + BLOCK + r], r)
    return x


def _blurred_volumes(x: Tensor, along: list[Tensor]) -> Tensor:
    """``x`` (N, C, X, Y, Z) times a matrix (N, side, side) of each image along each axis."""
    n, channels, *size = x.shape
    x = torch.matmul(x.flatten(1, 3), along[2].mT).view(n, channels * size[0], *size[1:])
    x = torch.matmul(along[1].unsqueeze(1), x).view(n, channels, size[0], -1)
    return torch.matmul(along[0].unsqueeze(1), x).view(n, channels, *size)


def _bells(sigma: NDArray[np.float64], radius: NDArray[np.int64]) -> NDArray[np.float32]:
    """``(N, R + 1)``: weights at distance 0 to R of normalised bells, zero beyond each radius; R is the largest."""
    distance = np.arange(int(radius.max()) + 1)
    bell = np.exp(-0.5 * (distance / sigma[:, None]) ** 2) * (distance <= radius[:, None])
    normalised = bell / (2 * bell.sum(axis=1, keepdims=True) - bell[:, :1])
    return np.asarray(normalised, np.float32)


@lru_cache(maxsize=16)
def _reflected(side: int, radius: int, device: torch.device) -> Tensor:
    """``(radius + 1, side, side)``: how often pixel j is met at each distance from pixel i, the line mirrored at its ends."""
    count = np.zeros((radius + 1, side, side), np.float32)
    at = np.arange(side)
    for distance in range(radius + 1):
        for step in {-distance, distance}:
            met = np.abs(at + step)
            np.add.at(count[distance], (at, np.where(met >= side, 2 * (side - 1) - met, met)), 1)
    return to_device(count, device)


def _matrices(bells: Tensor, count: Tensor) -> Tensor:
    """``(N, rows, columns)``: the blur of each bell (N, R + 1) where ``count`` (R + 1, rows, columns) says who meets whom."""
    rows, columns = count.shape[1:]
    return torch.mm(bells, count.reshape(len(count), -1)).view(-1, rows, columns)


def _blur_blocks(image: Tensor, first: Tensor, middle: Tensor, radius: int) -> None:
    """One large image (C, height, width) in place: blocks of columns, then of rows, each from its own surroundings.

    ``first`` (BLOCK, BLOCK + radius) makes the first block, mirrored the last; ``middle`` (BLOCK, BLOCK + 2 radius) the others.
    """
    channels, height, width = image.shape
    last = first.flip(0, 1)
    lines, across = image.view(-1, width), torch.empty_like(image)
    for start, matrix, window in _blocks(width, first, middle, last, radius):
        torch.mm(lines[:, window], matrix.mT, out=across.view(-1, width)[:, start : start + BLOCK])
    for start, matrix, window in _blocks(height, first, middle, last, radius):
        torch.bmm(matrix.expand(channels, -1, -1), across[:, window], out=image[:, start : start + BLOCK])


def _blocks(side: int, first: Tensor, middle: Tensor, last: Tensor, radius: int) -> Iterator[tuple[int, Tensor, slice]]:
    """Start of each block, the matrix that makes it and the pixels it is made of. Blocks near the end may overlap."""
    yield 0, first, slice(0, BLOCK + radius)
    for start in range(BLOCK, side - BLOCK, BLOCK):
        begin = min(start, side - BLOCK - radius)
        yield begin, middle, slice(begin - radius, begin + BLOCK + radius)
    yield side - BLOCK, last, slice(side - BLOCK - radius, side)
