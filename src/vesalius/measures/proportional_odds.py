"""Ordered classes by one score and increasing thresholds: P(y > k) = sigmoid(score - threshold k).

McCullagh, "Regression models for ordinal data", JRSS B 1980. Classes that are next to each other share what is known
of them, so that few labels go further than with a softmax that knows no order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from vesalius.measures.lbfgs import minimise


@dataclass(frozen=True, eq=False)
class Ordered:
    """``weights`` (dim,) of the score on raw vectors, ``first`` threshold () and the ``gaps`` (classes - 2,) before
    softplus between the thresholds that follow.
    """

    weights: Tensor
    first: Tensor
    gaps: Tensor
    c: float

    def log_probabilities(self, vectors: Float[Tensor, "samples dim"]) -> Float[Tensor, "samples classes"]:
        """Logarithm of the probability of each class."""
        return log_probabilities(vectors.to(self.weights) @ self.weights, thresholds(self.first, self.gaps))


def thresholds(first: Float[Tensor, ""], gaps: Float[Tensor, " gaps"]) -> Float[Tensor, " thresholds"]:
    """Increasing thresholds (classes - 1,)."""
    return torch.cat([first[None], first + F.softplus(gaps).cumsum(0)])


def log_probabilities(
    score: Float[Tensor, " samples"], cuts: Float[Tensor, " thresholds"]
) -> Float[Tensor, "samples classes"]:
    """Logarithm of each class's probability; rows sum to 1 after exp. Differences of sigmoids are taken in logarithms."""
    above = score[:, None] - cuts  # logits of y > k
    below = F.logsigmoid(-above)  # log P(y <= k)
    lowest, highest = below[:, :1], F.logsigmoid(above[:, -1:])
    if len(cuts) == 1:
        return torch.cat([lowest, highest], 1)
    # P(k < y <= k + 1) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)) for a > b: nothing cancels
    gap = (above[:, :-1] - above[:, 1:]).clamp(min=1e-6)
    between = F.logsigmoid(above[:, :-1]) + F.logsigmoid(-above[:, 1:]) + torch.log(-torch.expm1(-gap))
    return torch.cat([lowest, between, highest], 1)


def path(
    vectors: Float[Tensor, "samples dim"],
    labels: Float[Tensor, " samples"],
    strengths: Sequence[float],
    classes: int,
    weight: Float[Tensor, " samples"] | None = None,
) -> list[Ordered]:
    """A fit for each C of ``strengths`` (sum of losses times C + |weights|^2 / 2, on standardised vectors), ascending.

    ``labels`` hold no NaN. ``weight``: of each sample, 1 where absent.
    """
    x, y = vectors.double(), labels.long()
    mean, scale = x.mean(0), x.std(0, correction=0)
    scale = torch.where(scale > 1e-7 * mean.abs().clamp(min=1e-30), scale, torch.ones_like(scale))
    x = (x - mean) / scale
    each = torch.ones_like(x[:, 0]) if weight is None else weight.to(x)
    dim, total = x.shape[1], len(x)
    point = _start(y, dim, classes).to(x)
    found = []
    for c in strengths:
        penalty = 1 / (c * total)

        def objective(at: Tensor, penalty: float = penalty) -> tuple[Tensor, Tensor]:
            at = at.detach().requires_grad_(True)
            with torch.enable_grad():
                logs = log_probabilities(x @ at[:dim], thresholds(at[dim], at[dim + 1 :]))
                loss = (each * F.nll_loss(logs, y, reduction="none")).sum() / total
                value = loss + 0.5 * penalty * at[:dim].square().sum()
                (gradient,) = torch.autograd.grad(value, at)
            return value.detach(), gradient

        curvature = torch.full_like(point, 0.25) + torch.cat([torch.full_like(x[0], penalty), torch.zeros_like(point[dim:])])
        point = minimise(objective, point, curvature, tolerance=1e-5, max_iterations=500).point
        weights = point[:dim] / scale
        found.append(Ordered(weights, point[dim] + mean @ weights, point[dim + 1 :], c))
    return found


def _start(labels: Tensor, dim: int, classes: int) -> Tensor:
    """No weights, and the thresholds at which the classes have about their shares."""
    share = (torch.bincount(labels, minlength=classes).double() + 0.5).cumsum(0)
    cuts = torch.logit(share[:-1] / share[-1]).cpu()
    gaps = cuts.diff().clamp(min=1e-3)
    return torch.cat([torch.zeros(dim, dtype=torch.float64), cuts[:1], gaps + torch.log(-torch.expm1(-gaps))])
