"""A map of a few places as one of pixels, so that maps of all kinds can be laid over the image."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def over_pixels(maps: Float[Tensor, "batch rows columns"], size: Sequence[int]) -> Float[Tensor, "batch height width"]:
    """``maps``, none of whose values is negative, bilinearly at ``size`` and each divided by its largest value; one of zeros stays zeros."""
    large = F.interpolate(maps[:, None].float(), tuple(size), mode="bilinear", align_corners=False)[:, 0]
    top = large.amax((1, 2), keepdim=True)
    return large / top.where(top > 0, top.new_ones(()))
