"""Convolutions and a max-pool of stride 2 whose windows lie where TensorFlow's and JAX's 'SAME' puts them.

'SAME' makes ``ceil(side / stride)`` outputs and pads as little as that needs, the odd pixel at the end. Of an even side
the windows of stride 2 so begin one pixel later than with torch's symmetric padding; of an odd side both are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

PADDINGS = ("symmetric", "same_pool", "same")
"""torch's; 'SAME' in the max-pool alone (SimCLR's network pads its convolutions by itself); 'SAME' throughout (Haiku)."""


def same(sides: Sequence[int], kernel: Sequence[int], stride: Sequence[int]) -> list[int]:
    """How many pixels 'SAME' adds to ``sides``, as ``torch.nn.functional.pad`` takes it: last axis first, begin and end."""
    pads = []
    for side, wide, step in reversed(list(zip(sides, kernel, stride, strict=True))):
        total = max(((side + step - 1) // step - 1) * step + wide - side, 0)
        pads += [total // 2, total - total // 2]
    return pads


class _Same(nn.Module):
    """Put before a convolution of torch, built without padding."""

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]

    def forward(self, x: Tensor) -> Tensor:
        pads = same(x.shape[2:], self.kernel_size, self.stride)
        out: Tensor = super().forward(F.pad(x, pads))
        return out


class SameConv2d(_Same, nn.Conv2d):
    """``Conv2d`` with 'SAME' padding at any stride."""


class SameConv3d(_Same, nn.Conv3d):
    """``Conv3d`` with 'SAME' padding at any stride."""


class SameMaxPool(nn.Module):
    """Max-pool of 3 pixels, stride 2, with 'SAME' padding, in 2D or 3D."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.pool: Any = F.max_pool2d if dims == 2 else F.max_pool3d

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (B, C, height, width) by its largest of each window; ``ceil_mode`` is the pixel at the end of an even side, without a copy of the map."""
        pooled: Tensor = self.pool(x, 3, 2, padding=[side % 2 for side in x.shape[2:]], ceil_mode=True)
        return pooled
