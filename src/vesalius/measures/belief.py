"""Whether probabilities can be believed: Brier score, log loss, expected and adaptive calibration error, for any weighting.

Two columns are a binary question: the error is that of the probability of class 1. More are several classes: the error is that of the
confidence in the most probable one. Brier, 1950; Guo et al., ICML 2017 (15 bins of equal width); Nixon et al., CVPR Workshops 2019
(bins of equal mass). ``calibration`` has the bins to draw and the temperature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor

BINS = 15
LEAST = float(torch.finfo(torch.float32).eps)
"""A probability of 0 counts as this much in the log loss, which would else be infinite for one vote of neighbours."""

LEVELS = 2048
"""Of more different confidences than these, neighbours are taken together before bins of equal mass are cut."""

Sums = Float[Tensor, "columns replicates"]
Values = Float[Tensor, " replicates"]


def sureness(
    labels: Float[Tensor, " n"], probabilities: Float[Tensor, "n classes"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """What each answer claims, and whether it came true (0 or 1)."""
    p = probabilities.double() if probabilities.device.type != "mps" else probabilities
    if p.shape[1] == 2:
        return p[:, 1], (labels == 1).to(p)
    sure, answer = p.max(1)
    return sure, (answer == labels).to(p)


def columns(labels: Float[Tensor, " n"], probabilities: Float[Tensor, "n classes"]) -> Float[Tensor, "n columns"]:
    """One, squared error, log loss, and for each bin of equal width what came true less what was claimed."""
    sure, true = sureness(labels, probabilities)
    p = probabilities.to(sure)
    if p.shape[1] == 2:
        squared = (p[:, 1] - true) ** 2
    else:
        squared = (p - torch.nn.functional.one_hot(labels.long(), p.shape[1])).square().sum(1)
    lost = -p.gather(1, labels.long()[:, None])[:, 0].clamp(LEAST, 1).log()
    place = (sure * BINS).ceil().long().sub(1).clamp(0, BINS - 1)
    bins = torch.nn.functional.one_hot(place, BINS) * (true - sure)[:, None]
    return torch.cat([torch.ones_like(sure)[:, None], squared[:, None], lost[:, None], bins], 1)


def brier(sums: Sums) -> Values:
    """Mean squared error of the probability of class 1; of several classes, of all their probabilities together."""
    squared, count = sums[1], sums[0]
    return squared / count


def nll(sums: Sums) -> Values:
    """Mean negative logarithm (natural) of the true class's probability."""
    lost, count = sums[2], sums[0]
    return lost / count


def ece(sums: Sums) -> Values:
    """Mean distance of claim and truth over 15 bins of equal width, each weighing what it holds."""
    return sums[3:].abs().sum(0) / sums[0]


MEASURES: Mapping[str, Callable[[Sums], Values]] = {"brier": brier, "nll": nll, "ece": ece}


def levels(sure: Float[Tensor, " n"]) -> Int[Tensor, " n"]:
    """The place of each claim among the different ones, ascending; at most ``LEVELS``, of about as many samples each."""
    place: Tensor
    coarse: Tensor
    distinct, place = torch.unique(sure, return_inverse=True)
    if len(distinct) <= LEVELS:
        return place
    seen = torch.bincount(place).cumsum(0) - 1
    _, coarse = torch.unique(seen * LEVELS // len(sure), return_inverse=True)
    found: Tensor = coarse[place]
    return found


def ace(mass: Float[Tensor, "levels replicates"], gap: Float[Tensor, "levels replicates"]) -> Values:
    """Mean distance of claim and truth over 15 bins of equal mass. ``mass``: the weight of each level, ascending, up to and with it;
    ``gap``: of what came true less what was claimed, likewise. A level on a border is divided between its bins.
    """
    total = mass[-1]
    share = torch.arange(1, BINS, dtype=mass.dtype, device=mass.device)[:, None] / BINS
    wanted = share * total
    low, high = torch.zeros_like(wanted, dtype=torch.long), torch.full_like(wanted, len(mass) - 1, dtype=torch.long)
    for _ in range(len(mass).bit_length()):  # the first level whose mass reaches the border
        middle = (low + high) // 2
        reached = mass.gather(0, middle) >= wanted
        low, high = torch.where(reached, low, torch.minimum(middle + 1, high)), torch.where(reached, middle, high)
    at, before = high, high - 1
    below_mass, below_gap = (torch.where(before >= 0, x.gather(0, before.clamp(min=0)), 0.0) for x in (mass, gap))
    width = (mass.gather(0, at) - below_mass).clamp(min=torch.finfo(mass.dtype).tiny)
    reached = below_gap + (wanted - below_mass) / width * (gap.gather(0, at) - below_gap)
    zero = torch.zeros_like(gap[:1])
    return torch.cat([zero, reached, gap[-1:]]).diff(dim=0).abs().sum(0) / total
