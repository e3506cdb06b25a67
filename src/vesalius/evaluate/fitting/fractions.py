"""Shares of the labels: stratified, by whole subjects, each smaller share inside every larger one of the same draw."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random
from vesalius.measures.metrics import Kind


def nested(
    labels: Float[Tensor, "samples ..."], kind: Kind, subject: NDArray[np.int64], seed: int, draw: int
) -> NDArray[np.float64]:
    """For each sample (N,) the smallest share of the labels that holds it, in (0, 1]; ``rows <= share`` is the subset.

    ``subject`` (N,) numbers from 0: a subject comes whole. Its stratum is the rarest class it has (the rarest positive
    label for multi-label, or none). Within a stratum subjects are put in an order drawn from (seed, draw), so that any
    share holds the same part of each stratum, to one subject. The first subject of each stratum is in every share.
    """
    stratum = strata(labels, kind, subject)
    order = random.generator("label fraction", seed, draw).permutation(len(stratum))
    needed = np.empty(len(stratum))
    for number in np.unique(stratum):
        members = order[stratum[order] == number]
        # Member i enters where the share's part of the stratum, rounded to whole subjects, reaches i + 1.
        needed[members] = (np.arange(len(members)) + 0.5) / len(members)
        needed[members[0]] = 0
    return needed[subject]


def shots(
    labels: Float[Tensor, "samples ..."], kind: Kind, subject: NDArray[np.int64], k: int, seed: int, draw: int
) -> NDArray[np.int64]:
    """``(n,)`` rows of ``k`` samples of each class, one of each of k subjects, all there are where they are fewer; of several labels ``k`` with each and
    ``k`` without any. A smaller ``k`` of the same draw lies inside.
    """
    generator = random.generator("shots", seed, draw)
    order = generator.permutation(len(labels))
    order = order[np.argsort(generator.permutation(int(subject.max()) + 1)[subject[order]], kind="stable")]
    has = _has(labels, kind)
    wanted = [*has.T, ~has.any(1)] if kind == "multilabel" else list(has.T)
    found: list[int] = []
    for member in wanted:
        rows = order[member[order]]
        _, first = np.unique(subject[rows], return_index=True)
        found += rows[np.sort(first)[:k]].tolist()
    return np.unique(np.array(found, np.int64))


def strata(labels: Tensor, kind: Kind, subject: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rarest class, or positive label, of each subject (S,); -1 where it has none."""
    has = _has(labels, kind)
    of_subject = np.zeros((int(subject.max()) + 1 if len(subject) else 0, has.shape[1]), bool)
    np.logical_or.at(of_subject, subject, has)
    rarity = np.argsort(of_subject.sum(0), kind="stable")
    ordered = of_subject[:, rarity]
    return np.where(ordered.any(1), rarity[ordered.argmax(1)], -1)


def _has(labels: Tensor, kind: Kind) -> NDArray[np.bool_]:
    """(N, classes or labels) what each sample is."""
    values = labels.cpu()
    if kind == "multilabel":
        return np.asarray((values == 1).numpy())
    classes = int(values.nan_to_num().max()) + 1 if len(values) else 1
    return np.asarray(torch.stack([values == c for c in range(classes)], 1).numpy())
