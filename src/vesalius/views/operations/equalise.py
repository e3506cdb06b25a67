"""Equalised histograms."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from vesalius.views.operation import Parameters, Pixelwise


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
