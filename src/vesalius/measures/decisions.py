"""How often the most probable class is the right one: F1, Matthews' correlation, kappa and what else the confusions tell.

Each measure is a function of weighted sums of ``columns`` over the samples, so that all replicates of a bootstrap cost one product of
matrices. Matthews, BBA 1975, for many classes Gorodkin, Comput. Biol. Chem. 2004; Cohen, Psychol. Bull. 1968 (quadratic weights).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Sums = Float[Tensor, "columns replicates"]
Values = Float[Tensor, " replicates"]


def columns(labels: Float[Tensor, " n"], probabilities: Float[Tensor, "n classes"]) -> Float[Tensor, "n columns"]:
    """For each class whether the sample is a hit, of it, said to be it; then the squared distance of the answer from the label."""
    classes, answer = probabilities.shape[1], probabilities.argmax(1)
    true, said = F.one_hot(labels.long(), classes), F.one_hot(answer, classes)
    apart = (labels.long() - answer) ** 2
    return torch.cat([true * said, true, said, apart[:, None]], 1).to(torch.float32)


def accuracy(sums: Sums) -> Values:
    """Share of hits."""
    hit, true, _, _ = _parts(sums)
    return hit.sum(0) / true.sum(0)


def balanced_accuracy(sums: Sums) -> Values:
    """Mean recall over the classes that are present."""
    hit, true, _, _ = _parts(sums)
    return (hit / true).nanmean(0)


def f1(sums: Sums) -> Values:
    """Mean over classes of 2 hits / (of it + said to be it); a class that is neither is left out."""
    hit, true, said, _ = _parts(sums)
    return (2 * hit / (true + said)).nanmean(0)


def f1_of_positive(sums: Sums) -> Values:
    """The same of class 1 alone: of one label of several."""
    hit, true, said, _ = _parts(sums)
    return 2 * hit[1] / (true[1] + said[1])


def mcc(sums: Sums) -> Values:
    """Correlation of answers and labels; 0 where all answers are one class, NaN where all labels are."""
    hit, true, said, _ = _parts(sums)
    total = true.sum(0)
    spread = total**2 - (true**2).sum(0), total**2 - (said**2).sum(0)
    together = hit.sum(0) * total - (true * said).sum(0)
    value = torch.where(spread[1] > 0, together / (spread[0] * spread[1]).sqrt(), 0.0)
    return torch.where(spread[0] > 0, value, torch.nan)


def kappa(sums: Sums) -> Values:
    """1 - observed / expected squared distance of answers from labels; NaN where both are all of one class."""
    _, true, said, apart = _parts(sums)
    numbers = torch.arange(len(true), dtype=torch.float64, device=sums.device)
    distance, total = (numbers[:, None] - numbers) ** 2, true.sum(0)
    expected = (true * (distance @ said)).sum(0) / total**2
    return torch.where(expected > 0, 1 - apart / total / expected, torch.nan)


MEASURES: Mapping[str, Callable[[Sums], Values]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "f1": f1,
    "f1_of_positive": f1_of_positive,
    "mcc": mcc,
    "kappa": kappa,
}


def _parts(sums: Sums) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    exact = sums if sums.device.type == "mps" else sums.double()  # counts squared are beyond single precision
    classes = (len(sums) - 1) // 3
    return exact[:classes], exact[classes : 2 * classes], exact[2 * classes : 3 * classes], exact[-1]
