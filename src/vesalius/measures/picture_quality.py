"""How much of a picture another one holds: of its pixels, of its structure, and of what an encoder made of it.

SSIM as Wang, Bovik, Sheikh and Simoncelli define it (IEEE Transactions on Image Processing 13(4), 2004), in the Gaussian window of their paper.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

WINDOW, SIGMA = 11, 1.5
_K1, _K2 = 0.01, 0.03


def psnr(found: Float[Tensor, " images *shape"], true: Float[Tensor, " images *shape"], data_range: float = 1.0) -> Float[Tensor, " images"]:
    """The peak signal-to-noise ratio of each picture in dB, over all of its channels and pixels; infinite where nothing differs.

    ``data_range``: the greatest value a pixel can have less the least.
    """
    error = (found - true).double().square().flatten(1).mean(1)
    return (10 * torch.log10(data_range**2 / error)).to(found.dtype)


def ssim(
    found: Float[Tensor, "images channels height width"], true: Float[Tensor, "images channels height width"], data_range: float = 1.0
) -> Float[Tensor, " images"]:
    """The structural similarity of each picture, 1 where nothing differs: the mean over its channels and over the places where the window of 11
    by 11 pixels (Gaussian, deviation 1.5) lies within it. Raises ValueError for pictures smaller than the window.
    """
    if min(found.shape[-2:]) < WINDOW:
        raise ValueError(f"Pictures of {found.shape[-2]} by {found.shape[-1]} pixels are smaller than the window of {WINDOW} by {WINDOW}.")
    x, y = (one.double().flatten(0, 1).unsqueeze(1) for one in (found, true))
    at = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - WINDOW // 2
    bell = torch.exp(-at.square() / (2 * SIGMA**2))
    bell = bell / bell.sum()
    moments = F.conv2d(F.conv2d(torch.cat([x, y, x * x, y * y, x * y]), bell.view(1, 1, -1, 1)), bell.view(1, 1, 1, -1))
    mean_x, mean_y, xx, yy, xy = moments.chunk(5)
    steady, spread = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    likeness = (2 * mean_x * mean_y + steady) * (2 * (xy - mean_x * mean_y) + spread)
    size = (mean_x.square() + mean_y.square() + steady) * (xx - mean_x.square() + yy - mean_y.square() + spread)
    return (likeness / size).flatten(1).mean(1).view(found.shape[:2]).mean(1).to(found.dtype)


def feature_error(found: Float[Tensor, " images *shape"], true: Float[Tensor, " images *shape"]) -> Float[Tensor, " images"]:
    """The squared distance of each picture's features from the true ones, over the squared length of those: 0 where they are reached, 1 for zeros."""
    true = true.float().flatten(1)
    return (found.float().flatten(1) - true).square().sum(1) / true.square().sum(1)
