"""L-BFGS with a diagonal preconditioner, for smooth convex objectives.

Nocedal and Wright, "Numerical Optimization", chapters 3 and 7; the direction in the compact form of Byrd, Nocedal and Schnabel (1994),
a few matrix products whatever is remembered. What was learnt of the curvature can be handed to the next problem of a family.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Objective = Callable[[Tensor], tuple[Tensor, Tensor]]
"""A point to value and gradient."""

MEMORY = 20


class Pairs:
    """Steps (``moved``), and how much the gradient turned along each (``turned``), both (MEMORY, *point.shape): the rows in ``order``,
    the oldest first; the others are zero.
    """

    def __init__(self, point: Tensor) -> None:
        self.moved, self.turned = point.new_zeros(2, MEMORY, *point.shape)
        self.order: list[int] = []

    def __len__(self) -> int:
        return len(self.order)

    def add(self, moved: Tensor, turned: Tensor) -> int:
        """Remember one more pair of steps, ``moved`` and ``turned``, of one shape (rows, d), in place of the oldest; its row."""
        row = len(self.order) if len(self.order) < MEMORY else self.order.pop(0)
        self.order.append(row)
        self.moved[row], self.turned[row] = moved, turned
        return row

    def clear(self) -> None:
        """Forget all."""
        self.order = []
        self.moved.zero_()
        self.turned.zero_()


@dataclass(frozen=True)
class Minimum:
    """Where it stopped, after how many steps, whether the gradient was below the tolerance, and its last ``pairs``."""

    point: Tensor
    iterations: int
    converged: bool
    pairs: Pairs


def largest(gradient: Tensor) -> Tensor:
    """Its largest entry by size, ()."""
    return gradient.abs().max()


def minimise(
    objective: Objective,
    point: Tensor,
    curvature: Tensor | Callable[[Tensor], Tensor],
    *,
    tolerance: float,
    max_iterations: int,
    pairs: Pairs | None = None,
    size: Callable[[Tensor], Tensor] = largest,
) -> Minimum:
    """Step until the ``size`` of the gradient is at most ``tolerance``, or no step lowers the objective any more.

    ``curvature``: positive, of ``point``'s shape, a diagonal guess of the Hessian up to a factor, or what makes it of the point to start
    from, where there is a step to take. ``pairs`` (s, y) must be of this objective: y the change of its gradient along s.
    """
    pairs = Pairs(point) if pairs is None else pairs
    value, gradient = objective(point)
    if float(size(gradient)) <= tolerance:
        return Minimum(point, 0, True, pairs)
    curvature = curvature if isinstance(curvature, Tensor) else curvature(point)
    known = _Inverse(pairs, curvature)
    for iteration in range(max_iterations):
        if iteration and float(size(gradient)) <= tolerance:
            return Minimum(point, iteration, True, pairs)
        direction = -known.times(gradient)
        now, slope = _numbers(value, _dot(direction, gradient))
        if not slope < 0:  # rounding spoilt the pairs
            known.forget()
            direction = -gradient / curvature
            now, slope = _numbers(value, _dot(direction, gradient))
        step = _search(objective, point, now, direction, slope)
        if step is None:
            if not pairs:
                return Minimum(point, iteration, False, pairs)
            known.forget()
            continue
        known.learn(step[0] - point, step[2] - gradient)
        point, value, gradient = step
    return Minimum(point, max_iterations, float(size(gradient)) <= tolerance, pairs)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum()


def _numbers(*values: Tensor) -> list[float]:
    """Tensors () as numbers, with one wait for the device."""
    return torch.stack([value.to(values[0].dtype) for value in values]).tolist()


class _Inverse:
    """The inverse Hessian, as far as the pairs and the diagonal know it."""

    def __init__(self, pairs: Pairs, curvature: Tensor) -> None:
        self.pairs, self.curvature = pairs, curvature
        self.moved, self.turned = pairs.moved.flatten(1), pairs.turned.flatten(1)
        self.guess = 1 / curvature.flatten()
        self.exact = torch.float32 if curvature.device.type == "mps" else torch.float64
        self.across = (self.moved @ self.turned.T).to(self.exact)  # s_i . y_j
        self.between = ((self.turned * self.guess) @ self.turned.T).to(self.exact)  # y_i . y_j by the guess

    def times(self, gradient: Tensor) -> Tensor:
        """H g."""
        if not self.pairs.order:
            return gradient / self.curvature
        order = self.pairs.order
        last = order[-1]
        flat = gradient.flatten()
        guessed = flat * self.guess
        factor = self.across[last, last] / self.between[last, last]  # fits the guess to the newest pair
        along = (self.moved @ flat).to(self.exact)[order]
        against = (self.turned @ guessed).to(self.exact)[order]
        across, between = self.across[order][:, order], self.between[order][:, order]
        upper = across.triu()
        first = torch.linalg.solve_triangular(upper, along[:, None], upper=True)
        inner = across.diagonal()[:, None] * first + factor * (between @ first - against[:, None])
        second = torch.linalg.solve_triangular(upper.T, inner, upper=False)
        row = torch.zeros(2, len(self.moved), dtype=self.exact, device=flat.device)
        row[0, order], row[1, order] = second[:, 0], -first[:, 0] * factor
        row, factor = row.to(flat.dtype), factor.to(flat.dtype)
        found: Tensor = factor * guessed + row[0] @ self.moved + (row[1] @ self.turned) * self.guess
        return found.view_as(gradient)

    def learn(self, moved: Tensor, turned: Tensor) -> None:
        """One more pair, where the gradient turned as a convex objective's does."""
        bent, square = _numbers(_dot(moved, turned), _dot(turned, turned))
        if not bent > torch.finfo(moved.dtype).eps * square:
            return
        row = self.pairs.add(moved, turned)
        flat = turned.flatten()
        self.across[row] = (self.turned @ moved.flatten()).to(self.exact)
        self.across[:, row] = (self.moved @ flat).to(self.exact)
        self.between[row] = self.between[:, row] = (self.turned @ (flat * self.guess)).to(self.exact)

    def forget(self) -> None:
        self.pairs.clear()
        self.across.zero_()
        self.between.zero_()


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
        now, new_slope = _numbers(new_value, _dot(direction, new_gradient))
        enough = now <= value + 1e-4 * length * slope
        # Near the minimum the value no longer tells; the slope does (Hager and Zhang's approximate Wolfe condition).
        flat = now <= value + slack and (2e-4 - 1) * slope >= new_slope
        if not (enough or flat):
            high = length
        elif new_slope < 0.9 * slope:
            low, fallback = length, (candidate, new_value, new_gradient)
        else:
            return candidate, new_value, new_gradient
        length = 2 * length if high == float("inf") else (low + high) / 2
    return fallback
