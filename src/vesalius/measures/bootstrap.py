"""Intervals by drawing subjects (or images) again, with replacement: Efron's bootstrap, vectorised.

A replicate is a weight per sample: how often its subject was drawn. Measures that take weights (``metrics``) give all
replicates at once. Replicates depend on subjects and seed alone, so that two encoders scored on the same samples share
them and their difference is paired.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random

REPLICATES = 2000
_CELLS = 1 << 24
"""Weights held at a time: 64 MB in single precision."""

Statistic = Callable[[Tensor], Tensor]
"""Weights (N, R) to values (R,)."""


def groups(names: NDArray[np.object_] | None, samples: int) -> NDArray[np.int64]:
    """Number of each sample's subject (N,): samples of one name belong together, None (unknown) stands for itself.

    Without ``names`` each sample is its own subject.
    """
    if names is None:
        return np.arange(samples)
    keys = [("unknown", i) if name is None or name != name else ("subject", name) for i, name in enumerate(names)]
    order = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([order[key] for key in keys], dtype=np.int64)


def weights(
    subject: NDArray[np.int64], replicates: int, seed: int, strata: NDArray[np.int64] | None = None
) -> Iterator[Float[Tensor, "samples replicates"]]:
    """Blocks of replicates, (N, some) each: how often the subject of each sample was drawn.

    ``strata``: a number for each subject, of which each replicate then draws as many of every number as there are.
    """
    count = int(subject.max()) + 1 if len(subject) else 0
    generator = random.generator("bootstrap", seed, count)
    of_sample = torch.from_numpy(subject)
    members = None if strata is None else [np.flatnonzero(strata == one) for one in np.unique(strata)]
    block = max(1, min(replicates, _CELLS // max(1, len(subject))))
    for start in range(0, replicates, block):
        size = min(block, replicates - start)
        if members is not None:
            drawn = np.concatenate([some[generator.integers(0, len(some), (size, len(some)))] for some in members], 1)
        else:
            drawn = generator.integers(0, count, (size, count)) if count else np.zeros((size, 0), np.int64)
        flat = drawn + count * np.arange(size)[:, None]
        times = np.bincount(flat.ravel(), minlength=size * count).reshape(size, count).T
        yield torch.from_numpy(np.ascontiguousarray(times, np.float32))[of_sample]


def replicate(
    statistics: dict[str, Statistic], subject: NDArray[np.int64], *, replicates: int = REPLICATES, seed: int = 0
) -> dict[str, Float[Tensor, " replicates"]]:
    """Each statistic's values over the same replicates of ``subject`` (n,), so that their differences are paired."""
    values: dict[str, list[Tensor]] = {name: [] for name in statistics}
    for block in weights(subject, replicates, seed):
        for name, statistic in statistics.items():
            values[name].append(statistic(block).double())
    return {name: torch.cat(parts) for name, parts in values.items()}


def interval(values: Float[Tensor, " replicates"], level: float = 0.95) -> tuple[float, float]:
    """Percentiles that leave (1 - level) / 2 on each side; replicates where the value is undefined are left out."""
    defined = values[~values.isnan()]
    if not len(defined):
        return float("nan"), float("nan")
    tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=defined.dtype, device=defined.device)
    low, high = torch.quantile(defined, tails).tolist()
    return low, high


def expanded(subjects: int, level: float = 0.95) -> float:
    """The level at which percentiles of replicates of so few subjects hold the truth in ``level`` of the cases.

    Drawing again shows a spread smaller by sqrt((n - 1) / n), and normal where it is Student's: Hesterberg, "What Teachers Should Know About
    the Bootstrap", Am. Stat. 2015.
    """
    from scipy.stats import norm, t

    if subjects < 2:
        return level
    reach = math.sqrt(subjects / (subjects - 1)) * t.ppf((1 + level) / 2, subjects - 1)
    return float(1 - 2 * norm.cdf(-reach))


def expanded_p(p: float, subjects: int) -> float:
    """The p-value that belongs to ``expanded`` intervals: 0.05 where such an interval of 95 % ends at 0."""
    from scipy.stats import norm, t

    if subjects < 2 or p != p:
        return p
    return float(2 * t.cdf(norm.ppf(p / 2) * math.sqrt((subjects - 1) / subjects), subjects - 1))


def shifted_interval(value: float, values: Float[Tensor, " replicates"], level: float = 0.95) -> tuple[float, float]:
    """The percentiles moved so that their median is ``value``, not below 0: for errors of calibration, which are greater in replicates than
    in the samples (as they are greater in the samples than in truth), so that percentiles alone would lie above the value itself.
    """
    low, high = interval(values, level)
    away = value - float(values.nanmedian())
    return max(0.0, low + away), max(0.0, high + away)


def accelerated_interval(
    value: float, values: Float[Tensor, " replicates"], left_out: Float[Tensor, " subjects"], level: float = 0.95
) -> tuple[float, float]:
    """Bias-corrected and accelerated percentiles (Efron, JASA 1987), for few positives, where the percentiles alone lie to one side.

    ``left_out``: the value without each subject in turn. The plain percentiles where replicates all lie on one side of ``value``.
    """
    from scipy.stats import norm

    defined, without = values[~values.isnan()].double(), left_out[~left_out.isnan()].double()
    below = float((defined < value).double().mean() + (defined == value).double().mean() / 2) if len(defined) else 0.0
    if not 0 < below < 1 or len(without) < 2 or level >= 1:  # of two or three subjects all replicates are the interval
        return interval(values, level)
    bias, apart = norm.ppf(below), without.mean() - without
    spread = float(apart.square().sum()) ** 1.5
    skew = float((apart**3).sum()) / (6 * spread) if spread > 0 else 0.0
    ends = bias + norm.ppf([(1 - level) / 2, (1 + level) / 2])
    tails = torch.from_numpy(norm.cdf(bias + ends / (1 - skew * ends)))
    low, high = torch.quantile(defined, tails.clamp(0, 1)).tolist()
    return low, high
