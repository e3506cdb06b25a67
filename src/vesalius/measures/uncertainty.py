"""How unsure a model is, from what it answers: scores of active learning, each 0 for a sure answer and 1 for the least sure there can be.

Least confidence, margin and entropy as in Settles, "Active Learning Literature Survey", 2009, each moved and scaled so that a probability of 1
gives 0 and equal probabilities give 1. Of several objects in an image the least sure one counts, as in Lightly's scorers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]
Scores = NDArray[np.float64]

FURTHER = 0.25
"""What each further object of a class counts in ``object_frequency``, the first counting 1."""
LEAST_FREQUENCY = 0.9
"""``object_frequency`` of the images with the fewest."""


def least_confidence(p: Probabilities) -> Scores:
    """``(N,)`` of ``(N, C)``: 1 less the largest probability, as a share of what it can be, 1 - 1/C."""
    return (1 - p.max(1)) / (1 - 1 / p.shape[1]) if p.shape[1] > 1 else np.where(np.isnan(p[:, 0]), np.nan, 0.0)


def margin(p: Probabilities) -> Scores:
    """``(N,)`` of ``(N, C)``: 1 less the difference of the two largest probabilities."""
    if p.shape[1] == 1:
        return least_confidence(p)
    top = np.partition(p, -2, axis=1)
    return np.asarray(1 - (top[:, -1] - top[:, -2]))


def entropy(p: Probabilities) -> Scores:
    """``(N,)`` of ``(N, C)``: the entropy to base 2, as a share of that of equal probabilities, log2 C."""
    if p.shape[1] == 1:
        return least_confidence(p)
    found: Scores = -np.sum(p * np.log2(np.where(p > 0, p, 1)), axis=1) / np.log2(p.shape[1])
    return found


MEASURES: Mapping[str, Callable[[Probabilities], Scores]] = {
    "uncertainty_least_confidence": least_confidence,
    "uncertainty_margin": margin,
    "uncertainty_entropy": entropy,
}


def two_sided(p: NDArray[np.float64]) -> Probabilities:
    """``(N, 2)`` of ``(N,)`` probabilities of yes."""
    return np.column_stack([p, 1 - p])


def least_sure(scores: Scores, owner: NDArray[np.int64], size: int) -> Scores:
    """``(size,)`` the largest of each image's ``scores`` (M,), whose images are ``owner`` (M,); 0 without any, NaN where one of them is."""
    found = np.zeros(size)
    with np.errstate(invalid="ignore"):
        np.maximum.at(found, owner, scores)
    return found


def mean_over(scores: Scores, weights: NDArray[np.float64], owner: NDArray[np.int64], size: int) -> Scores:
    """``(size,)`` the mean of each image's ``scores`` (M,), each as often as ``weights`` (M,) say (its pixels); 0 without any."""
    total = np.bincount(owner, weights, size)
    return np.bincount(owner, scores * weights, size) / np.where(total > 0, total, 1)


def objectness_least_confidence(objectness: NDArray[np.float64], owner: NDArray[np.int64], size: int) -> Scores:
    """``(size,)`` 1 less the mean of the scores (M,) of an image's objects; 0 without any."""
    count = np.bincount(owner, minlength=size)
    return np.where(count > 0, 1 - np.bincount(owner, objectness, size) / np.maximum(count, 1), 0.0)


def object_frequency(category: NDArray[np.int64], owner: NDArray[np.int64], known: NDArray[np.bool_]) -> Scores:
    """``(N,)`` how many objects, of how many classes: the first of a class counts 1, each further 0.25; the least of all images becomes 0.9, the most 1.

    ``category`` and ``owner`` (M,) of the objects. NaN where ``known`` (N,) is False; 1 for all where all are equal.
    """
    size = len(known)
    classes = int(category.max(initial=0)) + 1
    pairs = np.unique(owner * classes + category)
    counted = FURTHER * np.bincount(owner, minlength=size) + (1 - FURTHER) * np.bincount(pairs // classes, minlength=size)
    out = np.full(size, np.nan)
    if known.any():
        low, high = counted[known].min(), counted[known].max()
        share = (counted[known] - low) / (high - low) if high > low else np.ones(int(known.sum()))
        out[known] = LEAST_FREQUENCY + (1 - LEAST_FREQUENCY) * share
    return out
