"""Operating points: thresholds of a score, chosen on some samples, and what they come to on others.

Sensitivity, specificity and predictive values as STARD 2015 has them (Bossuyt et al., BMJ 2015); the threshold that weighs
both kinds of error alike is Youden's (Cancer, 1950).
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

NAMES = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
"""``ppv`` and ``npv``: the share of positive and negative answers that are right, at the share of positives among the samples."""

Weights = Float[Tensor, "n replicates"]
Values = Float[Tensor, " replicates"]


def youden(positive: Bool[Tensor, " n"], score: Float[Tensor, " n"]) -> float:
    """The threshold of the greatest sensitivity + specificity; the highest of equal ones. NaN unless both classes are present."""
    thresholds, sensitivity, specificity = _walked(positive, score)
    return float(thresholds[(sensitivity + specificity).argmax()]) if len(thresholds) else float("nan")


def at_sensitivity(positive: Bool[Tensor, " n"], score: Float[Tensor, " n"], wanted: float) -> float:
    """The highest threshold whose sensitivity is at least ``wanted``. NaN unless both classes are present."""
    thresholds, sensitivity, _ = _walked(positive, score)
    return float(thresholds[(sensitivity >= wanted - 1e-12).double().argmax()]) if len(thresholds) else float("nan")


def at_specificity(positive: Bool[Tensor, " n"], score: Float[Tensor, " n"], wanted: float) -> float:
    """The lowest threshold whose specificity is at least ``wanted``: half way between two scores, above all of them where only that is
    enough. NaN unless both classes are present.
    """
    thresholds, _, specificity = _walked(positive, score)
    if not len(thresholds):
        return float("nan")
    enough = thresholds[specificity >= wanted - 1e-12]
    return float(enough[-1]) if len(enough) else float("inf")


def rates(positive: Bool[Tensor, " n"], score: Float[Tensor, " n"], threshold: float, weights: Weights | None = None) -> dict[str, Values]:
    """``NAMES`` of the answers ``score >= threshold`` for each weighting of the samples; NaN where nothing is to be counted."""
    w = torch.ones(len(score), 1, dtype=torch.float64) if weights is None else weights
    said = score >= threshold
    hit, missed, false, clear = (w[part].sum(0) for part in (positive & said, positive & ~said, ~positive & said, ~positive & ~said))
    total = hit + missed + false + clear
    return {
        "sensitivity": hit / (hit + missed),
        "specificity": clear / (clear + false),
        "ppv": hit / (hit + false),
        "npv": clear / (clear + missed),
        "accuracy": (hit + clear) / total,
    }


def _walked(positive: Tensor, score: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Thresholds from the highest down, half way between two scores, with sensitivity and specificity at each."""
    if not bool(positive.any()) or bool(positive.all()):
        return (score.new_zeros(0),) * 3
    distinct = torch.unique(score.double()).flip(0)
    thresholds = torch.cat([(distinct[:-1] + distinct[1:]) / 2, distinct[-1:]])
    sides = [score[side].double().sort().values for side in (positive, ~positive)]
    shares = [1 - torch.searchsorted(side, thresholds).double() / len(side) for side in sides]
    return thresholds, shares[0], 1 - shares[1]
