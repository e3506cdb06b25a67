"""The scores of all places from those of a few: evenly spread ones, cubic splines between them, and some more to tell the error by.

At the same number of places this came closer to the exact map than spending a part of them where the scores are most curved, than places drawn
within cells, and than linear interpolation. The box filter behind it takes most of what is left of the error away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random

_CHECKED = 0.03
"""Share of the scored places that only tell the error."""
_LEAST = 4
"""Places of an axis that a cubic spline needs."""


def places_of(grid: Sequence[int], budget: float) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
    """The rows and the columns of ``grid`` (down, across) whose crossings are scored, and (n, 2) places between them that tell the error.

    Together they are the share ``budget`` of the places, or less; on a small grid four of an axis are the least.
    """
    share = math.sqrt(budget * (1 - _CHECKED))
    axes = [np.unique(np.linspace(0, count - 1, min(count, max(_LEAST, math.floor(share * count)))).round().astype(np.int64)) for count in grid]
    crossing = np.ones(tuple(grid), dtype=bool)
    crossing[np.ix_(*axes)] = False
    others = np.argwhere(crossing)
    drawn = random.generator("places", *grid).permutation(len(others))[: round(_CHECKED * budget * grid[0] * grid[1])]
    return axes, others[np.sort(drawn)]


def count(grid: Sequence[int], budget: float) -> int:
    """How many places are scored."""
    axes, checked = places_of(grid, budget)
    return len(axes[0]) * len(axes[1]) + len(checked)


def estimated(
    score: Callable[[Int64[Tensor, "n 2"]], Float[Tensor, " n"]], grid: Sequence[int], budget: float
) -> tuple[Float[Tensor, "down across"], float | None]:
    """Scores of the whole ``grid`` by ``score``, which is called once; and how well those that were interpolated correlate with what they truly
    are at some places, None where there are fewer than three.
    """
    axes, checked = places_of(grid, budget)
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
    found = score(torch.from_numpy(np.concatenate([nodes, checked]))).double().numpy()
    known = found[: len(nodes)].reshape(len(axes[0]), len(axes[1]))
    down, across = (_splines(axis, length) for axis, length in zip(axes, grid, strict=True))
    scores = np.clip(down @ known @ across.T, 0, None)  # a distance is never below 0
    true, guessed = found[len(nodes) :], scores[checked[:, 0], checked[:, 1]]
    apart = len(true) >= 3 and true.std() > 0 and guessed.std() > 0
    return torch.from_numpy(scores).float(), float(np.corrcoef(true, guessed)[0, 1]) if apart else None


def _splines(nodes: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """(length, nodes): the weight of each node at each place of an axis, by the cubic spline through the nodes."""
    from scipy.interpolate import make_interp_spline

    made = make_interp_spline(nodes, np.eye(len(nodes)), k=min(3, len(nodes) - 1))(np.arange(length))
    return np.asarray(made)
