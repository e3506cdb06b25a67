"""Whether probabilities can be believed: reliability bins, expected calibration error, temperature scaling.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vesalius.measures.metrics import Kind


@dataclass(frozen=True)
class Bin:
    """Mean ``confidence`` and ``accuracy`` of the ``count`` answers whose confidence falls into one interval."""

    confidence: float
    accuracy: float
    count: int


def answers(
    kind: Kind, labels: Float[Tensor, "samples ..."], probabilities: Float[Tensor, "samples outputs"]
) -> tuple[Float[Tensor, " answers"], Float[Tensor, " answers"]]:
    """Confidence of each answer with a known label, and whether it was right (0 or 1).

    An answer is the most probable class, or for multi-label each label's yes or no.
    """
    known = ~labels.isnan()
    if kind == "multilabel":
        yes = probabilities[known]
        return torch.maximum(yes, 1 - yes), ((yes > 0.5) == (labels[known] > 0.5)).to(yes)
    confidence, answer = probabilities[known].max(1)
    return confidence, (answer == labels[known]).to(confidence)


def reliability(confidence: Float[Tensor, " n"], correct: Float[Tensor, " n"], bins: int = 15) -> list[Bin]:
    """Equal-width bins of [0, 1], each open below and closed above; empty ones are left out."""
    place = (confidence.double() * bins).ceil().long().sub(1).clamp(0, bins - 1)
    count = torch.bincount(place, minlength=bins)
    sure = torch.bincount(place, weights=confidence.double(), minlength=bins)
    right = torch.bincount(place, weights=correct.double(), minlength=bins)
    return [Bin(float(s / n), float(r / n), int(n)) for s, r, n in zip(sure, right, count, strict=True) if n]


def expected_error(confidence: Float[Tensor, " n"], correct: Float[Tensor, " n"], bins: int = 15) -> float:
    """Mean over answers of |confidence - accuracy| of their bin (expected calibration error); NaN without answers."""
    found = reliability(confidence, correct, bins)
    total = sum(b.count for b in found)
    return sum(b.count * abs(b.confidence - b.accuracy) for b in found) / total if total else float("nan")


def temperature(kind: Kind, logits: Float[Tensor, "samples outputs"], labels: Float[Tensor, "samples ..."]) -> float:
    """The number that logits are to be divided by so that the log loss on these (validation) samples is least.

    The loss is convex in the inverse temperature, which is found by bisection of its slope between 1/100 and 100.
    """
    known = ~labels.isnan()
    if not bool(known.any()):
        return 1.0
    z, y = logits[known].double(), labels[known].double()

    def slope(inverse: float) -> float:
        if kind == "multilabel":
            return float(((torch.sigmoid(inverse * z) - y) * z).sum())
        expected = (torch.softmax(inverse * z, 1) * z).sum(1)
        return float((expected - z.gather(1, y.long()[:, None])[:, 0]).sum())

    low, high = -2.0, 2.0  # decimal logarithm of the inverse temperature
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(10**middle) < 0 else (low, middle)
    return float(10 ** -((low + high) / 2))
