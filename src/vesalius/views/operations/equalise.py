"""Equalised histograms."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from vesalius.views.operation import Parameters, Pixelwise, Switched


class Equalise(Pixelwise):
    """Each image's values become the share of its values that are lower: its histogram is made flat.

    As the ``HistogramNormalize`` of CovidPrognosis (Sriram et al., 2021), over 1 instead of 255: the cumulative histogram
    of all pixels and channels, in ``bins`` of equal width from the lowest to the highest value, read between the bins' left edges
    by a straight line. Of images of two or three dimensions.
    """

    name = "equalise"

    bins: int = Field(default=256, ge=2)
    """Bins of the histogram."""

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        flat = x.flatten(1)
        low, high = flat.amin(1, keepdim=True), flat.amax(1, keepdim=True)
        one_value = high == low  # numpy's histogram of one value is one wide around it
        low, high = torch.where(one_value, low - 0.5, low), torch.where(one_value, high + 0.5, high)
        step = (high - low) / self.bins
        edges = low + step * torch.arange(self.bins + 1, device=x.device)
        bin_ = ((flat - low) / (high - low) * self.bins).floor().clamp_(0, self.bins - 1).long()
        # A value on an edge belongs to the bin on its right, whatever the rounding of the line above made of it.
        bin_ -= (flat < edges.gather(1, bin_)).long()
        bin_ += ((flat >= edges.gather(1, bin_ + 1)) & (bin_ < self.bins - 1)).long()
        counts = torch.zeros_like(edges[:, 1:]).scatter_add_(1, bin_, torch.ones_like(flat))
        share = counts.cumsum(1) / flat.shape[1]
        following = share.gather(1, (bin_ + 1).clamp_(max=self.bins - 1))
        within = ((flat - edges.gather(1, bin_)) / step).clamp_(0, 1)
        return torch.lerp(share.gather(1, bin_), following, within).view_as(x)


class Equalise8Bit(Switched):
    """Each channel's 8-bit histogram is made flat, as Pillow's and torchvision's ``equalize`` (``RandomEqualize``) do it.

    Values are rounded down to 256 steps first, as torchvision rounds floats, and come out as such. A channel of one value stays so.
    Of images of two or three dimensions.
    """

    name = "equalise_8bit"

    p: float = Field(default=0.5, ge=0, le=1)

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        # to_dtype's rule for floats: [0, 1] in 256 equal steps, so that what was 8-bit comes back as it was.
        level = x.flatten(2).mul(256 - 1e-3).long().clamp_(0, 255).flatten(0, 1)
        counts = torch.zeros(len(level), 256, dtype=torch.long, device=x.device).scatter_add_(1, level, level.new_ones(1, 1).expand_as(level))
        highest = level.amax(1, keepdim=True)
        step = (level.shape[1] - counts.gather(1, highest)) // 255
        below = counts.cumsum(1) - counts
        table = torch.where(step > 0, ((below + step // 2) // step.clamp(min=1)).clamp_(0, 255), torch.arange(256, device=x.device))
        return table.gather(1, level).view(x.shape).to(x.dtype).div_(255)
