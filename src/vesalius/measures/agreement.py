"""Agreement of ordered classes beyond chance: Cohen's kappa with quadratic weights (Cohen 1968)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def quadratic_kappa(
    labels: Float[Tensor, " samples"],
    probabilities: Float[Tensor, "samples classes"],
    weights: Float[Tensor, "samples replicates"] | None = None,
) -> Float[Tensor, " replicates"]:
    """1 - observed / expected squared distance of the most probable class from the label, for each weighting (R,).

    NaN labels are left out; NaN where labels and answers are all one class.
    """
    known = ~labels.isnan()
    y, answer = labels[known].long(), probabilities[known].argmax(1)
    w = torch.ones(len(y), 1, device=labels.device) if weights is None else weights[known]
    w = w.double()
    apart = ((y - answer).double() ** 2 @ w) / w.sum(0)
    classes = probabilities.shape[1]
    true = F.one_hot(y, classes).double().T @ w
    said = F.one_hot(answer, classes).double().T @ w
    numbers = torch.arange(classes, dtype=torch.float64, device=labels.device)
    distance = (numbers[:, None] - numbers) ** 2
    expected = (true * (distance @ said)).sum(0) / w.sum(0) ** 2
    return torch.where(expected > 0, 1 - apart / expected, torch.nan)
