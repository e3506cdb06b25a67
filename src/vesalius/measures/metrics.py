"""Measures of answers by name: accuracy, areas under curves, F1, calibration and the rest; classes, binary and multi-label.

Every measure takes weights ``(N, R)``: R weightings of the N samples at once, one value each. A bootstrap replicate is
such a weighting (how often each sample was drawn), so that intervals cost a few matrix products. Without weights the
value is that of the samples as they are. Undefined values (one class present, nothing labelled) are NaN, not an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vesalius.measures import belief, decisions

Kind = Literal["classes", "binary", "multilabel"]
NAMES = ("accuracy", "balanced_accuracy", "roc_auc", "pr_auc")
"""What monitors and verdicts show."""

EVERY = (*NAMES, "f1", "mcc", "kappa", "ece", "ace", "brier", "nll")
"""What ``measure`` knows; ``kappa`` is for ordered classes."""

LOWER_IS_BETTER = ("ece", "ace", "brier", "nll")

Labels = Float[Tensor, "samples ..."]
Scores = Float[Tensor, "samples outputs"]
Weights = Float[Tensor, "samples replicates"]
Values = Float[Tensor, " replicates"]


def measure(name: str, kind: Kind, labels: Labels, probabilities: Scores, weights: Weights | None = None) -> Values:
    """``name`` (see ``EVERY``) for each weighting (R,); R = 1 without weights.

    ``labels`` (N,) class numbers, or (N, L) of 0 and 1 for multi-label; NaN = unknown, left out.
    ``probabilities`` (N, classes), a column per class also for binary tasks; (N, L) for multi-label.
    """
    if weights is None:
        exact = torch.float32 if labels.device.type == "mps" else torch.float64  # MPS has no double precision
        weights = torch.ones(len(labels), 1, dtype=exact, device=labels.device)
    if kind == "multilabel":
        columns = []
        for column in range(labels.shape[1]):
            known = ~labels[:, column].isnan()
            positive = probabilities[known, column]
            pair = torch.stack([1 - positive, positive], 1)
            # F1 of several labels is that of yes, as everybody has it: the many that are no would hide the few.
            asked = "f1_of_positive" if name == "f1" else name
            columns.append(_MEASURES[asked](labels[known, column], pair, weights[known]))
        return torch.stack(columns).nanmean(0)
    known = ~labels.isnan()
    return _MEASURES[name](labels[known], probabilities[known], weights[known])


def evaluate(kind: Kind, labels: Labels, probabilities: Scores) -> dict[str, float]:
    """Every measure of ``NAMES`` once."""
    return {name: float(measure(name, kind, labels, probabilities)[0]) for name in NAMES}


def predictions(kind: Kind, probabilities: Scores) -> Float[Tensor, "samples ..."]:
    """The class of highest probability (N,), or for multi-label 0 or 1 at the threshold of one half (N, L)."""
    if kind == "multilabel":
        return (probabilities > 0.5).to(probabilities.dtype)
    return probabilities.argmax(1).to(probabilities.dtype)


def accuracy(labels: Float[Tensor, " n"], probabilities: Scores, weights: Weights) -> Values:
    """Weighted share of samples whose most probable class is theirs."""
    hit = (probabilities.argmax(1) == labels).to(weights)
    return (hit @ weights) / weights.sum(0)


def balanced_accuracy(labels: Float[Tensor, " n"], probabilities: Scores, weights: Weights) -> Values:
    """Mean recall over the classes that are present."""
    hit = (probabilities.argmax(1) == labels).to(weights)
    member = torch.stack([labels == c for c in range(probabilities.shape[1])]).to(weights)
    recall = ((member * hit) @ weights) / (member @ weights)
    return recall.nanmean(0)


def roc_auc(labels: Float[Tensor, " n"], probabilities: Scores, weights: Weights) -> Values:
    """Area under the ROC curve: of class 1 for two columns, else one against the rest, mean over defined classes."""
    return _one_against_rest(area_under_roc, labels, probabilities, weights)


def pr_auc(labels: Float[Tensor, " n"], probabilities: Scores, weights: Weights) -> Values:
    """Average precision: of class 1 for two columns, else one against the rest, mean over the classes present."""
    return _one_against_rest(average_precision, labels, probabilities, weights)


def adaptive_error(labels: Float[Tensor, " n"], probabilities: Scores, weights: Weights) -> Values:
    """Calibration error over bins of equal mass; see ``belief.ace``."""
    if not len(labels):
        return weights.new_full((weights.shape[1],), torch.nan)
    sure, true = belief.sureness(labels, probabilities)
    level = belief.levels(sure)
    blank = weights.new_zeros(int(level.max()) + 1, weights.shape[1])
    mass = blank.index_add(0, level, weights).cumsum(0)
    return belief.ace(mass, blank.index_add(0, level, weights * (true - sure).to(weights)[:, None]).cumsum(0))


def _summed(columns: Callable[[Tensor, Tensor], Tensor], value: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """A measure that is a function of weighted sums."""
    return lambda labels, probabilities, weights: value(columns(labels, probabilities).to(weights).T @ weights)


_MEASURES: Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    **{name: _summed(decisions.columns, value) for name, value in decisions.MEASURES.items()},
    **{name: _summed(belief.columns, value) for name, value in belief.MEASURES.items()},
    "quadratic_kappa": _summed(decisions.columns, decisions.kappa),  # as tasks call it
    "ace": adaptive_error,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "roc_auc": roc_auc,
    "pr_auc": pr_auc,
}


def _one_against_rest(
    area: Callable[[Tensor, Tensor, Tensor], Tensor], labels: Tensor, probabilities: Tensor, weights: Tensor
) -> Tensor:
    classes = probabilities.shape[1]
    if classes == 2:
        return area(labels == 1, probabilities[:, 1], weights)
    return torch.stack([area(labels == c, probabilities[:, c], weights) for c in range(classes)]).nanmean(0)


def area_under_roc(positive: Bool[Tensor, " n"], score: Float[Tensor, " n"], weights: Weights) -> Values:
    """Probability that a positive scores above a negative, ties one half; NaN unless both are present."""
    hits, below, tied = _by_threshold(positive, score, weights)
    negative = weights[~positive].sum(0)
    return (hits * (below + tied / 2)).sum(0) / (hits.sum(0) * negative)


def average_precision(positive: Bool[Tensor, " n"], score: Float[Tensor, " n"], weights: Weights) -> Values:
    """Sum over thresholds of (gain in recall) x precision, as scikit-learn; NaN unless both classes are present."""
    hits, below, _ = _by_threshold(positive, score, weights)
    negative = weights[~positive].sum(0)
    found = hits.flip(0).cumsum(0).flip(0)
    precision = found / (found + negative - below)
    value = (hits * precision.nan_to_num()).sum(0) / hits.sum(0)
    return torch.where(negative > 0, value, torch.nan)


def area_under_pr_by_trapezoids(positive: Bool[Tensor, " n"], score: Float[Tensor, " n"]) -> float:
    """Area under straight lines between the points of the precision-recall curve, which is too optimistic.

    Davis and Goadrich, ICML 2006. Only for numbers that must agree with InnerEye's ``AreaUnderPRCurve``.
    """
    if not bool(positive.any()) or bool(positive.all()):
        return float("nan")
    order = score.argsort(descending=True, stable=True)
    sorted_scores, hit = score[order], positive[order].to(torch.float64)
    last = torch.cat([sorted_scores[1:] != sorted_scores[:-1], torch.ones(1, dtype=torch.bool, device=score.device)])
    found, seen = hit.cumsum(0)[last], torch.arange(1, len(hit) + 1, device=score.device)[last]
    start = torch.tensor([0.0], dtype=torch.float64, device=score.device)
    recall, precision = torch.cat([start, found / hit.sum()]), torch.cat([start + 1, found / seen])
    return float(torch.trapezoid(precision, recall))


def _by_threshold(positive: Tensor, score: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Per distinct score that a positive has, ascending (G, R): weight of its positives, of the negatives below, tied.

    Only these thresholds enter the two areas, so that the large (N, R) weights are walked through once.
    """
    thresholds, group = torch.unique(score[positive], return_inverse=True)  # sorted ascending
    hits = weights.new_zeros(len(thresholds), weights.shape[1]).index_add_(0, group, weights[positive])
    rest, negative = score[~positive], weights[~positive]
    first_above = torch.searchsorted(thresholds, rest, right=True)
    at_or_above = torch.searchsorted(thresholds, rest, right=False)
    steps = weights.new_zeros(len(thresholds) + 1, weights.shape[1]).index_add_(0, first_above, negative)
    tie = first_above != at_or_above
    tied = torch.zeros_like(hits).index_add_(0, at_or_above[tie], negative[tie])
    return hits, steps[:-1].cumsum(0), tied
