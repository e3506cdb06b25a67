"""What hyper-parameters are chosen on, and how often: divisions of the training and validation samples by whole subjects.

A set of 1,000 labelled images or more is divided once per repeat into samples to fit and samples to choose by: repeat 0 is the data's
own division, the others draw one of the same shares. A smaller set is too small for that, and is cut into five folds, each of which
chooses once by a fit to the other four; a repeat draws other folds. So a repeat means something for a probe that has no
randomness of its own, and its spread is what the choice of the validation samples is worth. Subjects stay whole and every part has its
share of each class (of several labels, the rarest that a subject bears).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random
from vesalius.evaluate.fitting.fractions import strata
from vesalius.measures.metrics import Kind

if TYPE_CHECKING:
    from vesalius.evaluate.pairs.pair import Pair

FOLDS = 5
SMALL = 1000
"""Labelled images, of all parts together, below which a set is small."""


@dataclass(frozen=True, eq=False)
class Fold:
    """Positions in the pool (see ``pooled``) to ``fit`` and to ``choose`` by."""

    fit: NDArray[np.int64]
    choose: NDArray[np.int64]


def repeats(pair: Pair) -> int:
    """How often a probe is fitted: 3 times, 5 times on a small set, once where an original is to be reproduced."""
    if pair.asked.compat != "none":
        return 1
    return 5 if small(pair) else 3


def small(pair: Pair) -> bool:
    """Whether the set has fewer than 1,000 labelled images."""
    return sum(len(pair.split(name)) for name in ("train", "val", "test")) < SMALL


def pooled(pair: Pair) -> tuple[Float[Tensor, "pool ..."], NDArray[np.int64]]:
    """Labels and subjects of the pool: the training samples, then those of validation. Features: ``features(pair)``."""
    train, val = pair.split("train"), pair.split("val")
    return torch.cat([train.labels, val.labels]), np.concatenate([train.subject, val.subject])


def features(pair: Pair, layer: str = "pooled") -> Float[Tensor, "pool dim"]:
    """Features of the pool, on the device."""
    return torch.cat([pair.features("train", layer), pair.features("val", layer)])


def folds(pair: Pair, repeat: int) -> Sequence[Fold]:
    """The divisions of ``repeat``: five folds of a small set, else one. Choose by all held-out answers together
    (``held_out``), then fit again to the whole pool.
    """
    train, val = len(pair.split("train")), len(pair.split("val"))
    labels, subject = pooled(pair)
    few = small(pair) and pair.asked.compat == "none" and len(np.unique(subject)) > 1
    if not few and repeat == 0:
        return [Fold(np.arange(train), np.arange(train, train + val))]
    shares = [1 / FOLDS] * FOLDS if few else [train / (train + val), val / (train + val)]
    part = divided(labels, pair.kind, subject, shares, pair.asked.seed, repeat)
    chosen = sorted(set(part.tolist())) if few else [1]
    return [Fold(np.flatnonzero(part != number), np.flatnonzero(part == number)) for number in chosen]


def held_out(
    pair: Pair, divisions: Sequence[Fold], answers: Sequence[Float[Tensor, "choose outputs"]]
) -> Float[Tensor, "pool outputs"]:
    """The answers for each division's ``choose`` in the order of the pool; NaN for samples that none held out. One repeat of
    ``Measured.choosing``, which is either of the validation samples or of the pool.
    """
    whole = torch.full((len(pair.split("train")) + len(pair.split("val")), answers[0].shape[1]), torch.nan)
    for division, some in zip(divisions, answers, strict=True):
        whole[torch.from_numpy(division.choose)] = some.detach().float().cpu()
    return whole


def divided(
    labels: Float[Tensor, "samples ..."], kind: Kind, subject: NDArray[np.int64], shares: Sequence[float], seed: int, repeat: int
) -> NDArray[np.int64]:
    """The part (N,) of each sample, from 0; parts hold ``shares`` of each stratum, to one subject, and subjects are whole.

    Subjects, the largest first and of equal ones in an order drawn from (seed, repeat), go where most of their stratum is
    missing; of equal parts to the one that misses most of all, then to the first.
    """
    _, number = np.unique(subject, return_inverse=True)
    stratum, size = strata(labels, kind, number), np.bincount(number)
    order = random.generator("folds", seed, repeat).permutation(len(size))
    order = order[np.argsort(-size[order], kind="stable")]
    aim, part = np.asarray(shares, float), np.zeros(len(size), np.int64)
    filled, total = {value: np.zeros(len(aim)) for value in np.unique(stratum).tolist()}, np.zeros(len(aim))
    for one in order.tolist():
        own = filled[int(stratum[one])]
        part[one] = np.lexsort((total / aim, own / aim))[0]
        own[part[one]] += size[one]
        total[part[one]] += size[one]
    return part[number]
