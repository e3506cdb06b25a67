"""Smooth displacement fields that are the same for every image, of every size, at every call."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from vesalius import random

LATTICE = 256
"""Points per side at which a field is made, whatever the size of the image that it bends."""
_REACH = 4.0


def displacement(parameters: tuple[tuple[float, ...], ...], size: tuple[int, int]) -> Float[Tensor, "parameters height width 2"]:
    """The field of each (amplitude, smoothness, number) on images of ``size``, x before y, in ``grid_sample``'s units (2 is the whole side).

    ``amplitude``: root mean square of the displacement along each axis; ``smoothness``: standard deviation of the bell that smooths the
    noise; both as shares of the side. What torchvision's ``elastic`` takes as ``displacement``.
    """
    fields = torch.stack([_field(int(number), smoothness) * (2 * amplitude) for amplitude, smoothness, number in parameters])
    return F.interpolate(fields, size, mode="bilinear", align_corners=False).movedim(1, -1).contiguous()


@lru_cache(maxsize=64)
def _field(number: int, smoothness: float) -> Tensor:
    """``(2, LATTICE, LATTICE)``: field ``number``, smoothed, of root mean square 1 on average over fields."""
    sigma = smoothness * LATTICE
    beyond = int(np.ceil(_REACH * sigma))  # so that the field is as strong at the border as in the middle
    noise = random.generator("displacement field", number).standard_normal((2, LATTICE + 2 * beyond, LATTICE + 2 * beyond))
    distance = np.subtract.outer(np.arange(LATTICE) + beyond, np.arange(LATTICE + 2 * beyond)) / sigma
    bell = np.exp(-0.5 * distance**2)
    bell /= np.sqrt((bell**2).sum(axis=1, keepdims=True))
    return torch.from_numpy((bell @ noise @ bell.T).astype(np.float32))
