"""Whether two numbers of the same few things go together: Pearson's and Spearman's coefficients, with intervals and p-values for few.

Pearson's interval is Fisher's, by z, of which a simulation of five to thirteen normal pairs covers 94 to 97 % where drawing the pairs again
covers 86 to 93 %; Spearman's draws the pairs again, which covers 94 to 98 % of eight and thirteen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vesalius import random

LEAST = 3
"""Pairs below which there is no coefficient."""
FEWEST = 5
"""Pairs below which an interval would say nothing."""
EVERY = 8
"""At most so many pairs are permuted in every way; of more, permutations are drawn."""
_DRAWS = 2000
_PERMUTED = 20_000
_BLOCK = 8192
_NORMAL = 1.959963984540054


class Correlated(NamedTuple):
    """Both coefficients of ``n`` pairs, each with its 95 % interval (None of fewer than five pairs, Spearman's also where it is 1 or -1) and its p-value.

    ``pearson_p`` is of the t-test, as SciPy and the papers have it; ``spearman_p`` is of permutations, all of them up to eight pairs.
    """

    n: int
    pearson: float
    pearson_low: float | None
    pearson_high: float | None
    pearson_p: float
    spearman: float
    low: float | None
    high: float | None
    p: float


def correlated(x: NDArray[np.float64], y: NDArray[np.float64], seed: int = 1) -> Correlated | None:
    """The coefficients of ``x`` and ``y`` (n,); None of fewer than three pairs, and where one of them is the same everywhere."""
    from scipy.stats import pearsonr, rankdata

    if len(x) < LEAST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    linear = pearsonr(x, y)
    r, n = float(linear.statistic), len(x)
    ranks = rankdata(x), rankdata(y)
    spearman = float(_coefficients(*ranks))
    p = float(linear.pvalue), _permuted(*ranks, abs(spearman), seed)
    if n < FEWEST:
        return Correlated(n, r, None, None, p[0], spearman, None, None, p[1])
    low, high = _fisher(r, n)
    if abs(spearman) > 1 - 1e-9:  # no draw of pairs that all agree contradicts them
        return Correlated(n, r, low, high, p[0], spearman, None, None, p[1])
    return Correlated(n, r, low, high, p[0], spearman, *_drawn(x, y, seed), p[1])


def _fisher(r: float, n: int) -> tuple[float, float]:
    """Fisher's interval of Pearson's coefficient, that of normal pairs."""
    z, half = math.atanh(max(-1 + 1e-12, min(1 - 1e-12, r))), _NORMAL / math.sqrt(n - 3)
    return math.tanh(z - half), math.tanh(z + half)


def _drawn(x: NDArray[np.float64], y: NDArray[np.float64], seed: int) -> tuple[float, float]:
    """Percentiles of Spearman's coefficient over pairs drawn again."""
    from scipy.stats import rankdata

    rows = random.generator("correlations", seed, len(x)).integers(0, len(x), (_DRAWS, len(x)))
    low, high = np.nanpercentile(_coefficients(rankdata(x[rows], axis=1), rankdata(y[rows], axis=1)), [2.5, 97.5])
    return float(low), float(high)


def _permuted(x: NDArray[np.float64], y: NDArray[np.float64], reached: float, seed: int) -> float:
    """The share of permutations of ``y`` that reach as much, on either side; of drawn ones the given order counts as one of them."""
    null = _null(tuple(np.sort(x)), tuple(np.sort(y)), seed)
    extreme = len(null) - int(np.searchsorted(null, reached - 1e-9))
    return extreme / len(null) if len(x) <= EVERY else (extreme + 1) / (len(null) + 1)


@lru_cache(maxsize=64)
def _null(x: tuple[float, ...], y: tuple[float, ...], seed: int) -> NDArray[np.float64]:
    """What permutations reach, without sign, ascending: it hangs on which ranks there are, not on whose they are."""
    a, b = np.array(x), np.array(y)
    orders = _every(len(a)) if len(a) <= EVERY else _some(len(a), seed)
    return np.sort(np.concatenate([np.abs(_coefficients(np.broadcast_to(a, block.shape), b[block])) for block in orders]))


def _every(n: int) -> Iterator[NDArray[np.int64]]:
    orders = permutations(range(n))
    while block := list(islice(orders, _BLOCK)):
        yield np.array(block)


def _some(n: int, seed: int) -> Iterator[NDArray[np.int64]]:
    generator = random.generator("correlations, permuted", seed, n)
    for start in range(0, _PERMUTED, _BLOCK):
        yield np.argsort(generator.random((min(_BLOCK, _PERMUTED - start), n)), axis=1)


def _coefficients(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's coefficient along the last axis; NaN where one side is the same everywhere."""
    a, b = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray((a * b).sum(-1) / np.sqrt((a**2).sum(-1) * (b**2).sum(-1)))
