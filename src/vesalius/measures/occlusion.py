"""Where an image matters to an encoder, of how far its features move as parts of it are hidden.

Ericsson, Gouk and Hospedales, "How well do self-supervised models transfer?" (CVPR 2021): a window is moved over the image, each place has a
score, and a pixel's saliency is the mean score of the windows that cover it. The share of the map above its mean is its attentive diffusion.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def saliency_map(
    scores: Float[Tensor, "*images down across"], window: int, size: Sequence[int], *, stride: int = 1, first: int | None = None
) -> Float[Tensor, "*images height width"]:
    """The mean score of the windows that cover each pixel of images of ``size`` (height, width): one box filter over the scores, whatever
    the ``window`` (pixels a side).

    ``scores[..., i, j]`` is of the window whose upper left pixel is (``first`` + i * ``stride``, ``first`` + j * ``stride``). ``first``: by default
    1 - ``window``, the first place that still covers a pixel; windows may hang over any border. A pixel that no window covers is NaN.
    Equal scores give their own value, to the last bit, in single precision.
    """
    first = 1 - window if first is None else first
    places = [range(first, first + count * stride, stride) for count in scores.shape[-2:]]
    if any(place[0] <= -window or place[-1] >= side for place, side in zip(places, size, strict=True)):
        raise ValueError(f"Windows of {window} from {first} in steps of {stride} leave an image of {tuple(size)} pixels.")
    down, across = (slice(place[0] + window - 1, place[-1] + window, stride) for place in places)
    # sums of single numbers are exact in double precision, so that no pixel differs by how many windows cover it; some devices have none
    dense = torch.zeros((2, *scores.shape[:-2], *(side + window - 1 for side in size)), dtype=torch.float64)
    dense[0, ..., down, across] = scores.cpu().double()
    dense[1, ..., down, across] = 1.0
    flat = dense.reshape(-1, 1, *dense.shape[-2:])
    total, covering = functional.avg_pool2d(flat, window, 1, divisor_override=1).view(2, *scores.shape[:-2], *size).unbind()
    return (total / covering).to(scores)


def attentive_diffusion(maps: Float[Tensor, "*images height width"]) -> Float[Tensor, "*images"]:
    """Per cent of each map's pixels that are strictly above its mean: high where attention is diffuse, 0 where nothing stands out."""
    flat = maps.cpu().double().flatten(-2)
    above = flat - flat.amin(-1, keepdim=True)  # equal values are zero exactly, and so is their mean
    return 100 * (above > above.mean(-1, keepdim=True)).double().mean(-1)


__all__ = ["attentive_diffusion", "saliency_map"]
