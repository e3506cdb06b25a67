"""ROC and precision-recall curves as points to draw, and the confusion matrix."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Points = tuple[list[float], list[float]]


def confusion(
    labels: Float[Tensor, " samples"], probabilities: Float[Tensor, "samples classes"]
) -> Int[Tensor, "classes classes"]:
    """How many samples of each class (row) were given each answer (column); NaN labels are left out."""
    known, classes = ~labels.isnan(), probabilities.shape[1]
    pair = labels[known].long() * classes + probabilities[known].argmax(1)
    return torch.bincount(pair, minlength=classes * classes).view(classes, classes)


def roc(positive: Bool[Tensor, " n"], score: Float[Tensor, " n"], most: int = 200) -> Points:
    """False and true positive rates from (0, 0) to (1, 1), at most ``most`` points; empty unless both are present."""
    hits, false = _counts(positive, score)
    if not len(hits) or hits[-1] == 0 or false[-1] == 0:
        return [], []
    keep = _thinned(len(hits), most)
    return (false[keep] / false[-1]).tolist(), (hits[keep] / hits[-1]).tolist()


def roc_replicates(
    positive: Bool[Tensor, " n"], score: Float[Tensor, " n"], weights: Float[Tensor, "n replicates"], at: Float[Tensor, " points"]
) -> Float[Tensor, "points replicates"]:
    """The true positive rate of each weighting of the samples at the false positive rates ``at``, straight between thresholds.

    NaN for weightings without both classes.
    """
    order = score.argsort(descending=True, stable=True)
    hit, w, ranked = positive[order], weights[order].double(), score[order]
    last = torch.ones(len(hit), dtype=torch.bool, device=score.device)
    last[:-1] = ranked[1:] != ranked[:-1]
    zero = w.new_zeros(1, w.shape[1])
    up = torch.cat([zero, (w * hit[:, None]).cumsum(0)[last]])
    across = torch.cat([zero, (w * ~hit[:, None]).cumsum(0)[last]])
    up, across = (up / up[-1]).T.contiguous(), (across / across[-1]).T.contiguous()
    place = torch.searchsorted(across, at.double().expand(len(across), -1).contiguous(), right=True).clamp(1, across.shape[1] - 1)
    x0, x1, y0, y1 = (side.gather(1, place - step) for side in (across, up) for step in (1, 0))
    share = ((at - x0) / (x1 - x0)).nan_to_num(1.0, 1.0, 1.0).clamp(0, 1)
    found = y0 + share * (y1 - y0)
    return torch.where((up[:, -1:] + across[:, -1:]).isnan(), torch.nan, found).T


def precision_recall(positive: Bool[Tensor, " n"], score: Float[Tensor, " n"], most: int = 200) -> Points:
    """Recall and precision from the highest threshold down, at most ``most`` points; empty without a positive."""
    hits, false = _counts(positive, score)
    if not len(hits) or hits[-1] == 0:
        return [], []
    hits, false = hits[1:], false[1:]  # at no answer precision is not defined
    keep = _thinned(len(hits), most)
    return (hits[keep] / hits[-1]).tolist(), (hits[keep] / (hits[keep] + false[keep])).tolist()


def _counts(positive: Tensor, score: Tensor) -> tuple[Tensor, Tensor]:
    """Positives and negatives at or above each distinct score, descending, after a zero: (T + 1,) each."""
    order = score.argsort(descending=True, stable=True)
    sorted_scores, hit = score[order], positive[order].double()
    last = torch.ones(len(hit), dtype=torch.bool, device=score.device)
    last[:-1] = sorted_scores[1:] != sorted_scores[:-1]
    zero = hit.new_zeros(1)
    return torch.cat([zero, hit.cumsum(0)[last]]), torch.cat([zero, (1 - hit).cumsum(0)[last]])


def _thinned(count: int, most: int) -> Tensor:
    return torch.tensor(sorted({round(i) for i in torch.linspace(0, count - 1, min(count, most)).tolist()}))
