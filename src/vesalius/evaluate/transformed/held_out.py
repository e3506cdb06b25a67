"""Which images are probed and which others they are whitened by: nobody who is probed is among those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random
from vesalius.errors import UserError
from vesalius.evaluate.pairs.pair import Pair
from vesalius.measures import whitening
from vesalius.measures.whitening import Kind, Whitening

FOLDS = 5
"""Where holding the probed out would take more than a fifth of the images, each fifth of them is held out in its turn."""
LEAST = 2 * whitening.PER_DIRECTION
_NAMED = 4


@dataclass(frozen=True, eq=False)
class Fold:
    """``probed``: which of the probes are looked at, numbered as they were given, by the mean and covariance of ``reference``, places in
    ``split("images")`` that have none of their subjects.
    """

    probed: NDArray[np.int64]
    reference: NDArray[np.int64]


def drawn(subject: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """At most ``most`` places in ``subject`` (n,), ascending: one of each subject before a second of any; the same for every encoder."""
    order = random.generator("invariance", seed, len(subject)).permutation(len(subject))
    return np.sort(order[np.argsort(earlier(subject[order]), kind="stable")][:most])


def earlier(names: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of the same name stand before each (n,)."""
    order = np.argsort(names, kind="stable")
    _, first, counts = np.unique(names[order], return_index=True, return_counts=True)
    found = np.empty(len(names), np.int64)
    found[order] = np.arange(len(names)) - np.repeat(first, counts)
    return found


def folds(pair: Pair, probed: NDArray[np.int64], most: int, subject: NDArray[np.int64]) -> list[Fold]:
    """``probed`` (n,) (places in ``split("images")``, whose subjects are ``subject`` (n,)) in one piece, or in five where their subjects own more than a
    fifth of the images; at most ``most`` others to each, drawn. Raises UserError where too few others are left.
    """
    seed, subjects = pair.asked.seed, np.unique(subject[probed])
    pieces = FOLDS if FOLDS * np.isin(subject, subjects).sum() > len(subject) else 1
    found = []
    for some in np.array_split(random.generator("folds of probes", seed, len(subjects)).permutation(subjects), min(pieces, len(subjects))):
        others = np.flatnonzero(~np.isin(subject, some))
        if len(others) < LEAST:
            raise UserError(
                f"{pair.dataset} has {len(subject)} images of {len(np.unique(subject))} subjects: too few to estimate a mean and a covariance on people "
                f"who are not looked at, which takes {LEAST} images. Give more images."
            )
        if len(others) > most:
            others = np.sort(random.generator("images of a covariance", seed, len(others)).permutation(others)[:most])
        found.append(Fold(np.flatnonzero(np.isin(subject[probed], some)), others))
    return found


def whitenings(pair: Pair, place: str, key: str, features: Tensor, pieces: Sequence[Fold], kind: Kind, rank: int | None) -> list[Whitening]:
    """The whitening of each fold, of one rank, from the run's ``PLACE/mean_feature`` (folds, D) and ``PLACE/feature_cov_matrix`` (folds, D, r),
    a factor whose product with its transpose is the covariance in use; estimated where they are not there.

    Raises UserError where all features are the same.
    """

    @cache
    def fitted() -> list[Whitening]:
        try:
            found = [whitening.fit(features[torch.from_numpy(one.reference)], kind, rank) for one in pieces]
        except ValueError as error:
            raise UserError(
                f"{pair.encoder.name} makes the same features of every image of {pair.dataset}, so that there is no covariance. Look at its weights."
            ) from error
        least = min(one.rank for one in found)
        return [Whitening(one.mean, one.factor[:, :least], one.samples, one.shrinkage) for one in found]

    means = pair.asked.cells.kept(f"{place}/mean_feature", key, lambda: torch.stack([one.mean for one in fitted()]))
    factors = pair.asked.cells.kept(f"{place}/feature_cov_matrix", key, lambda: torch.stack([one.factor for one in fitted()]))
    shrunk = [0.0 if kind == "truncated" else whitening.shrinkage(features[torch.from_numpy(one.reference)]) for one in pieces]
    where = whitening.double(features[:0]).device
    return [Whitening(m.to(where), f.to(where), len(one.reference), s) for m, f, one, s in zip(means, factors, pieces, shrunk, strict=True)]


def facts(pair: Pair, place: str, found: Sequence[Whitening], fit: float, kind: Kind) -> dict[str, Any]:
    """What is told of the estimate: ``samples`` against ``dim``, the ``rank`` that is looked at, and ``fit``, the length of held-out whitened
    vectors over sqrt(rank), which is 1 where the covariance is known.
    """
    dim, rank, samples = len(found[0].mean), found[0].rank, min(one.samples for one in found)
    return {
        "samples": samples,
        "dim": dim,
        "rank": rank,
        "folds": len(found),
        "condition": max(one.condition for one in found),
        "fit": fit,
        **({"shrinkage": float(np.mean([one.shrinkage for one in found]))} if kind == "ledoit-wolf" else {}),
        "files": [f"{place}/{name}.safetensors" for name in ("mean_feature", "feature_cov_matrix")],
    }


def warning(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which covariances are of fewer than five images for each dimension. ``rows``: ``facts``, each with its encoder and data set."""
    few = [row for row in rows if row["samples"] < whitening.PER_DIRECTION * row["dim"]]
    if not few:
        return []
    done = "it is shrunk towards equal variances" if "shrinkage" in few[0] else "only its leading directions are looked at, a fifth of the images"
    return [f"A covariance is of fewer than five images for each dimension, so {done}: {named(few)}."]


def named(rows: Sequence[Mapping[str, Any]]) -> str:
    """The first few estimates with their images and dimensions, and how many more there are."""
    each = [f"{row['encoder']} on {row['data']} {row['samples']:,} images, {row['dim']:,} dimensions" for row in rows[:_NAMED]]
    return "; ".join(each) + (f"; and {len(rows) - _NAMED} more" if len(rows) > _NAMED else "")
