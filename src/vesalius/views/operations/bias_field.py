"""A bias field: brightness that changes smoothly over the image, as the coils of an MR scanner leave it."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from vesalius.views.operation import Chance, Occasional, Parameters, Pixelwise, Values

_PROBES = 9
"""Points of each axis at which the largest value of a field is looked for."""


class BiasField(Pixelwise, Occasional):
    """Values times exp(strength * field), the field a random polynomial of -1 to 1 (Van Leemput et al. 1999).

    The polynomial is a sum of products of Legendre polynomials along the axes, of ``order`` at most and without a constant,
    divided by its largest value. So ``strength`` 0.5 makes places up to 1.65 times brighter, or darker.
    """

    name = "bias_field"

    p: float = Field(default=0.5, ge=0, le=1)
    strength: float = Field(default=0.3, ge=0)
    order: int = Field(default=3, ge=1, le=5)

    @override
    def draw(self, chance: Chance, channels: int, size: tuple[int, ...]) -> Values:
        powers = _powers(len(size), self.order)
        u = chance(1 + len(powers))
        weights = 2 * u[:, 1:] - 1
        highest = np.abs(weights @ _table(len(size), self.order)).max(axis=1, keepdims=True)
        on = self.chosen(chance, u[:, 0])[:, None]
        return {"weights": np.where(on, self.strength * weights / np.maximum(highest, 1e-9), 0.0).astype(np.float32)}

    @override
    def active(self, p: Parameters) -> NDArray[np.bool_]:
        return np.asarray((p.host("weights") != 0).any(axis=1))

    @override
    def apply(self, x: Tensor, p: Parameters) -> Tensor:
        weights, size = p.device("weights"), x.shape[2:]
        lines = [_legendre(torch.linspace(-1, 1, side, device=x.device), self.order) for side in size]
        field = x.new_zeros(len(x), 1, *size)
        for number, powers in enumerate(_powers(len(size), self.order)):
            term = weights[:, number].view(-1, 1, *[1] * len(size))
            for axis, power in enumerate(powers):
                term = term * lines[axis][power].view(*[1] * (2 + axis), -1, *[1] * (len(size) - axis - 1))
            field += term
        return x.mul_(field.exp_()).clamp_(0, 1)


@lru_cache(maxsize=16)
def _powers(axes: int, order: int) -> tuple[tuple[int, ...], ...]:
    """Degrees along each axis of the terms of a field."""
    return tuple(powers for powers in product(range(order + 1), repeat=axes) if 0 < sum(powers) <= order)


@lru_cache(maxsize=16)
def _table(axes: int, order: int) -> NDArray[np.float64]:
    """``(terms, points)``: each term at the points of a coarse grid."""
    lines = _legendre(torch.linspace(-1, 1, _PROBES, dtype=torch.float64), order).numpy()
    terms = []
    for powers in _powers(axes, order):
        term = np.ones(1)
        for power in powers:
            term = np.multiply.outer(term, lines[power]).ravel()
        terms.append(term)
    return np.stack(terms)


def _legendre(x: Tensor, order: int) -> Tensor:
    """``(order + 1, n)``: the Legendre polynomials at ``x`` (n,), by Bonnet's recursion."""
    found = [torch.ones_like(x), x]
    for n in range(1, order):
        found.append(((2 * n + 1) * x * found[n] - n * found[n - 1]) / (n + 1))
    return torch.stack(found)
