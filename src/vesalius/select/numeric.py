"""Numbers as factors of the product in which objectives are combined: at least 0, the more the better, on a scale that does not matter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vesalius.errors import UserError
from vesalius.select.values import Classes, Numbers, Values

_LEAST = 1e-9
"""The factor of the smallest number there can be, which is thereby still told from one that is not known."""
_UNKNOWN = 1e30
"""The factor of an unknown number where low ones are preferred: the worst."""


def numbers_of(values: Values, strategy: str) -> Numbers:
    """``values``. Raises UserError where they are classes or vectors: which they are may be known only when a key was looked up."""
    if not isinstance(values, Numbers):
        what = f"{values.title} holds classes ({', '.join(values.names[:5])})" if isinstance(values, Classes) else "it was given embeddings"
        raise UserError(f"{strategy} needs numbers, and {what}. Use BALANCE for classes, DIVERSITY for embeddings, or name another key.")
    return values


def added_up(values: Numbers) -> NDArray[np.float64]:
    """``(N,)`` what each adds to a sum: an unknown number nothing."""
    return np.where(np.isfinite(values.values), values.values, 0.0)


def at_most(value: NDArray[np.float64] | float, bound: float) -> NDArray[np.bool_]:
    """Whether sums ``value`` (n,) are within ``bound``, rounding apart."""
    within: NDArray[np.bool_] = np.asarray(value) <= bound + 1e-9 * abs(bound)
    return within


def positive(values: NDArray[np.float64], strength: float) -> NDArray[np.float64]:
    """``(N,)`` factors in [1e-9, 1] in the order of ``values``: each divided by the largest; where some are negative, all less the smallest before.

    Multiplying ``values`` by a constant changes nothing. NaN is the worst for either sign of ``strength``. Equal numbers give 1.
    """
    known = np.isfinite(values)
    factors = np.full(len(values), 0.0 if strength >= 0 else _UNKNOWN)
    if known.any():
        low, high = float(values[known].min()), float(values[known].max())
        shift = min(low, 0.0)
        factors[known] = 1.0 if low == high else (values[known] - shift) / (high - shift) * (1 - _LEAST) + _LEAST
    return factors
