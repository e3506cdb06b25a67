"""The values of a volume's foreground in numbers, and what a plan's intensity rule makes of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vesalius.data.plan import Intensity
from vesalius.data.volumes.quantising import Coded, slabs

QUANTILES = np.linspace(0, 100, 1001)
"""The percentiles that are kept of each volume: 0, 0.1, ... 100."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """Of the foreground, in the file's units (HU).

    ``voxels``: how many; ``quantiles`` (1001,): the percentiles ``QUANTILES``; ``error``: by how much a stored value may
    differ from the resampled one.
    """

    voxels: int
    mean: float
    std: float
    quantiles: NDArray[np.float64]
    error: float

    def percentile(self, percent: float) -> float:
        """Any percentile; exact at tenths, between them on the straight line."""
        return float(np.interp(percent, QUANTILES, self.quantiles))


def statistics(of: Coded, mask: NDArray[np.bool_]) -> Statistics:
    """Exact over the stored values where ``mask`` (x, y, z) holds; percentiles as ``numpy.percentile`` takes them."""
    counts = np.zeros(1 << 16, np.int64)
    for at in slabs(of.codes.shape):
        counts += np.bincount(of.codes[at][mask[at]], minlength=1 << 16)
    total = int(counts.sum())
    there = np.flatnonzero(counts)
    values, shares = there * of.scale + of.offset, counts[there] / total
    mean = float(values @ shares)
    ends = np.cumsum(counts[there])
    place = (total - 1) * QUANTILES / 100
    below, above = (values[np.searchsorted(ends, rank, side="right")] for rank in (np.floor(place), np.ceil(place)))
    quantiles = below + (above - below) * (place - np.floor(place))
    return Statistics(total, mean, float(np.sqrt((values - mean) ** 2 @ shares)), quantiles, of.error)


def folded(rule: Intensity, known: Statistics, scale: float, offset: float) -> tuple[float, float]:
    """Scale and offset from stored integers to what a network sees, given those to the file's units.

    A volume whose foreground has one value alone is 0 everywhere under ``percentiles`` and ``zscore``.
    """
    if rule.rule == "none":
        return scale, offset
    if rule.rule == "zscore":
        zero, one = known.mean, known.mean + known.std
    else:
        assert rule.low is not None  # by Intensity's own check
        assert rule.high is not None
        ends = (rule.low, rule.high)
        zero, one = ends if rule.rule == "window" else (known.percentile(ends[0]), known.percentile(ends[1]))
    width = one - zero
    return (scale / width, (offset - zero) / width) if width > 0 else (0.0, 0.0)
