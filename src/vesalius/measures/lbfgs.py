"""L-BFGS with a diagonal preconditioner, for smooth convex objectives.

Nocedal and Wright, "Numerical Optimization", chapters 3 and 7. What was learnt of the curvature can be handed to the
next problem of a family.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

Objective = Callable[[Tensor], tuple[Tensor, Tensor]]
"""A point to value and gradient."""
Pairs = deque[tuple[Tensor, Tensor]]
"""Steps, and how much the gradient turned along each: the newest last."""

MEMORY = 20


@dataclass(frozen=True)
class Minimum:
    """Where it stopped, after how many steps, whether the gradient was below the tolerance, and its last ``pairs``."""

    point: Tensor
    iterations: int
    converged: bool
    pairs: Pairs = field(default_factory=deque)


def minimise(
    objective: Objective,
    point: Tensor,
    curvature: Tensor,
    *,
    tolerance: float,
    max_iterations: int,
    pairs: Pairs | None = None,
) -> Minimum:
    """Step until the largest gradient is at most ``tolerance``, or no step lowers the objective any more.

    ``curvature``: positive, of ``point``'s shape, a diagonal guess of the Hessian up to a factor. ``pairs`` (s, y) must
    be of this objective: y the change of its gradient along s.
    """
    pairs = deque((pairs or ()), maxlen=MEMORY)
    value, gradient = objective(point)
    for iteration in range(max_iterations):
        if float(gradient.abs().max()) <= tolerance:
            return Minimum(point, iteration, True, pairs)
        direction = -_two_loops(gradient, pairs, curvature)
        slope = _dot(direction, gradient)
        if not slope < 0:  # rounding spoilt the pairs
            pairs.clear()
            direction = -gradient / curvature
            slope = _dot(direction, gradient)
        step = _search(objective, point, float(value), direction, slope)
        if step is None:
            if not pairs:
                return Minimum(point, iteration, False, pairs)
            pairs.clear()
            continue
        moved, turned = step[0] - point, step[2] - gradient
        if _dot(moved, turned) > torch.finfo(point.dtype).eps * _dot(turned, turned):
            pairs.append((moved, turned))
        point, value, gradient = step
    return Minimum(point, max_iterations, float(gradient.abs().max()) <= tolerance, pairs)


def _dot(a: Tensor, b: Tensor) -> float:
    return float((a * b).sum())


def _two_loops(gradient: Tensor, pairs: Pairs, curvature: Tensor) -> Tensor:
    """The inverse Hessian, as far as the pairs know it, times the gradient."""
    shares = []
    rest = gradient.clone()
    for moved, turned in reversed(pairs):
        share = _dot(moved, rest) / _dot(moved, turned)
        shares.append(share)
        rest -= share * turned
    if pairs:  # the factor that fits the guess to the newest pair
        moved, turned = pairs[-1]
        rest *= _dot(moved, turned) / _dot(turned, turned / curvature)
    rest /= curvature
    for (moved, turned), share in zip(pairs, reversed(shares), strict=True):
        rest += (share - _dot(turned, rest) / _dot(moved, turned)) * moved
    return rest


def _search(
    objective: Objective, point: Tensor, value: float, direction: Tensor, slope: float
) -> tuple[Tensor, Tensor, Tensor] | None:
    """A step that lowers the objective enough and flattens the slope enough (weak Wolfe conditions, by bisection)."""
    low, high, length = 0.0, float("inf"), 1.0
    fallback = None
    slack = 8 * torch.finfo(point.dtype).eps * max(1.0, abs(value))  # the value cannot be told more exactly
    for _ in range(30):
        candidate = point + length * direction
        new_value, new_gradient = objective(candidate)
        new_slope = _dot(direction, new_gradient)
        enough = float(new_value) <= value + 1e-4 * length * slope
        # Near the minimum the value no longer tells; the slope does (Hager and Zhang's approximate Wolfe condition).
        flat = float(new_value) <= value + slack and (2e-4 - 1) * slope >= new_slope
        if not (enough or flat):
            high = length
        elif new_slope < 0.9 * slope:
            low, fallback = length, (candidate, new_value, new_gradient)
        else:
            return candidate, new_value, new_gradient
        length = 2 * length if high == float("inf") else (low + high) / 2
    return fallback
