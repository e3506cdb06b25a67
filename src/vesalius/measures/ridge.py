"""Linear regression with an L2 penalty over a path of strengths: one eigendecomposition serves them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Line:
    """``weights`` (dim,) and ``bias`` () on raw vectors."""

    weights: Tensor
    bias: Tensor
    c: float

    def values(self, vectors: Float[Tensor, "samples dim"]) -> Float[Tensor, " samples"]:
        """The predicted quantity, in its own units."""
        return vectors.to(self.weights) @ self.weights + self.bias


def path(
    vectors: Float[Tensor, "samples dim"], values: Float[Tensor, " samples"], strengths: Sequence[float]
) -> list[Line]:
    """A fit for each C of ``strengths``: C * sum of squared errors / 2 + |weights|^2 / 2 on standardised vectors.

    The intercept is not penalised. ``values`` hold no NaN.
    """
    x, y = vectors.double(), values.double()
    mean, scale, middle = x.mean(0), x.std(0, correction=0), y.mean()
    scale = torch.where(scale > 1e-7 * mean.abs().clamp(min=1e-30), scale, torch.ones_like(scale))
    x = (x - mean) / scale
    square, axes = torch.linalg.eigh(x.T @ x)
    along = axes.T @ (x.T @ (y - middle))
    found = []
    for c in strengths:
        weights = axes @ (along / (square.clamp(min=0) + 1 / c)) / scale
        found.append(Line(weights, middle - mean @ weights, c))
    return found
