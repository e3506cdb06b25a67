"""Intervals by drawing subjects (or images) again, with replacement: Efron's percentile bootstrap, vectorised.

A replicate is a weight per sample: how often its subject was drawn. Measures that take weights (``metrics``) give all
replicates at once. Replicates depend on subjects and seed alone, so that two encoders scored on the same samples share
them and their difference is paired.
"""

from __future__ import annotations

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
    subject: NDArray[np.int64], replicates: int, seed: int
) -> Iterator[Float[Tensor, "samples replicates"]]:
    """Blocks of replicates, (N, some) each: how often the subject of each sample was drawn."""
    count = int(subject.max()) + 1 if len(subject) else 0
    generator = random.generator("bootstrap", seed, count)
    of_sample = torch.from_numpy(subject)
    block = max(1, min(replicates, _CELLS // max(1, len(subject))))
    for start in range(0, replicates, block):
        size = min(block, replicates - start)
        drawn = generator.integers(0, count, (size, count)) if count else np.zeros((size, 0), np.int64)
        flat = drawn + count * np.arange(size)[:, None]
        times = np.bincount(flat.ravel(), minlength=size * count).reshape(size, count).T
        yield torch.from_numpy(np.ascontiguousarray(times, np.float32))[of_sample]


def replicate(
    statistics: dict[str, Statistic], subject: NDArray[np.int64], *, replicates: int = REPLICATES, seed: int = 0
) -> dict[str, Float[Tensor, " replicates"]]:
    """Each statistic's values over the same replicates, so that their differences are paired."""
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
