"""Strided convolutions of one pixel over few channels, computed so that they cannot damage memory.

oneDNN's gradient of such a kernel writes past its workspace on processors with AVX-512 where fewer than 16 channels lie
last (uxlfoundation/oneDNN#6035): a crash, or wrong gradients without one. Taking every ``stride``-th pixel first is the
same sum, and leaves a convolution of stride 1, which is right.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

FEW = 16
"""Numbers in a register of AVX-512: from so many channels on torch's own is right."""


class _Thinned(nn.Module):
    """Put before a convolution of torch whose kernel is one pixel."""

    def __init__(self, inputs: int, outputs: int, stride: int, dims: int) -> None:
        super().__init__(inputs, outputs, 1, bias=False)
        self._every: tuple[Any, ...] = (..., *[slice(None, None, stride)] * dims)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = super().forward(x[self._every])
        return out


class _Thinned2d(_Thinned, nn.Conv2d):
    pass


class _Thinned3d(_Thinned, nn.Conv3d):
    pass


def pointwise(inputs: int, outputs: int, stride: int, dims: int) -> nn.Module:
    """A convolution of one pixel without bias, in 2 or 3 dimensions; its one tensor is ``weight``, as torch's."""
    if stride != 1 and inputs < FEW:
        return (_Thinned2d if dims == 2 else _Thinned3d)(inputs, outputs, stride, dims)
    conv: Any = nn.Conv2d if dims == 2 else nn.Conv3d
    made: nn.Module = conv(inputs, outputs, 1, stride, bias=False)
    return made
