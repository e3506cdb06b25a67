"""L-BFGS with a preconditioner that may change at each step, for smooth convex objectives.

Nocedal and Wright, "Numerical Optimization", chapters 3 and 7.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class Objective(Protocol):
    """What is minimised: value with gradient, and the inverse of a rough curvature applied to a gradient."""

    def value(self, point: Tensor) -> tuple[Tensor, Tensor]:
        """Objective and gradient at ``point``."""

    def precondition(self, gradient: Tensor) -> Tensor:
        """Rough inverse Hessian, at the last point evaluated, times ``gradient``."""


@dataclass(frozen=True)
class Minimum:
    """Where it stopped, after how many steps, and whether the gradient was below the tolerance."""

    point: Tensor
    iterations: int
    converged: bool


def minimise(
    objective: Objective, point: Tensor, *, tolerance: float, max_iterations: int, memory: int = 10
) -> Minimum:
    """Step until the largest gradient is at most ``tolerance``, or no step lowers the objective any more."""
    value, gradient = objective.value(point)
    pairs: deque[tuple[Tensor, Tensor, float]] = deque(maxlen=memory)
    for iteration in range(max_iterations):
        if float(gradient.abs().max()) <= tolerance:
            return Minimum(point, iteration, True)
        direction = -_two_loops(objective, gradient, pairs)
        slope = float((direction * gradient).sum())
        if not slope < 0:  # rounding spoilt the pairs: begin anew
            pairs.clear()
            direction = -objective.precondition(gradient)
            slope = float((direction * gradient).sum())
        step = _search(objective, point, float(value), gradient, direction, slope)
        if step is None:
            if not pairs:
                return Minimum(point, iteration, False)
            pairs.clear()
            continue
        new_point, new_value, new_gradient = step
        moved, turned = new_point - point, new_gradient - gradient
        curvature = float((moved * turned).sum())
        if curvature > torch.finfo(point.dtype).eps * float((turned * turned).sum()):
            pairs.append((moved, turned, curvature))
        point, value, gradient = new_point, new_value, new_gradient
    return Minimum(point, max_iterations, float(gradient.abs().max()) <= tolerance)


def _two_loops(objective: Objective, gradient: Tensor, pairs: deque[tuple[Tensor, Tensor, float]]) -> Tensor:
    shares = []
    rest = gradient.clone()
    for moved, turned, curvature in reversed(pairs):
        share = float((moved * rest).sum()) / curvature
        shares.append(share)
        rest -= share * turned
    rest = objective.precondition(rest)
    for (moved, turned, curvature), share in zip(pairs, reversed(shares), strict=True):
        rest += (share - float((turned * rest).sum()) / curvature) * moved
    return rest


def _search(
    objective: Objective, point: Tensor, value: float, gradient: Tensor, direction: Tensor, slope: float
) -> tuple[Tensor, Tensor, Tensor] | None:
    """A step that lowers the objective enough and flattens the slope enough (weak Wolfe conditions, by bisection)."""
    low, high, length = 0.0, float("inf"), 1.0
    fallback = None
    slack = 8 * torch.finfo(point.dtype).eps * max(1.0, abs(value))  # the value cannot be told more exactly
    for _ in range(30):
        candidate = point + length * direction
        new_value, new_gradient = objective.value(candidate)
        new_slope = float((direction * new_gradient).sum())
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
