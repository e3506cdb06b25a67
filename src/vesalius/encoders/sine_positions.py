"""Fixed positions of the cells of a grid as sines and cosines, in any number of dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def sine_positions(grid: Sequence[int], dim: int) -> Float[Tensor, "cells dim"]:
    """Positions of the cells of ``grid``, the last axis fastest, as vectors of length ``dim``.

    Every axis, the last first, has an equal and even share of the vector: sines, then cosines of the coordinate times
    frequencies that fall geometrically from 1 towards 1/10000 (Vaswani et al., 2017); what is left over is zero. In two
    dimensions these are the positions of the MAE authors' code. Raises ValueError where ``dim`` is too short.
    """
    half = dim // (2 * len(grid))
    if half < 1:
        raise ValueError(f"a vector of {dim} numbers is too short for positions on {len(grid)} axes")
    frequencies = 10000.0 ** -(torch.arange(half, dtype=torch.float64) / half)
    cells = torch.cartesian_prod(*(torch.arange(side, dtype=torch.float64) for side in grid)).reshape(-1, len(grid))
    angles = cells.flip(1)[:, :, None] * frequencies
    waves = torch.cat([angles.sin(), angles.cos()], dim=2).flatten(1)
    return torch.nn.functional.pad(waves, [0, dim - waves.shape[1]]).float()
