"""The cross-entropy of similarities that contrastive losses share, with a backward of as few matrix products as it needs.

Autograd's own backward of product, mask and cross-entropy makes several more matrices of that size. Here one is kept, and
the incoming gradient, one number a row, is multiplied into the narrow vectors where it can be.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

_LEAST_TEMPERATURE = 0.025
"""exp(-2 / T), the least entry of a matrix of similarities shifted by their bound 1 / T, is a normal number down to here."""


class _Contrast(torch.autograd.Function):
    """Rows against every vector: the matrix of log-probabilities is kept and becomes the probabilities in place."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, every: Tensor, own: Tensor, partner: Tensor, temperature: float) -> Tensor:
        similarity = (rows / temperature) @ every.T
        similarity.scatter_(1, own[:, None], -torch.inf)
        logs = torch.log_softmax(similarity, 1)
        loss = -logs.gather(1, partner[:, None])[:, 0]
        ctx.save_for_backward(rows, every, partner)
        ctx.logs, ctx.shares, ctx.temperature = logs, None, temperature
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        rows, every, partner = ctx.saved_tensors
        if ctx.shares is None:  # a graph that was retained comes here again
            ctx.shares, ctx.logs = ctx.logs.exp_(), None
        scale = gradient[:, None] / ctx.temperature
        with torch.autocast(rows.device.type, enabled=False):
            to_rows = (ctx.shares @ every - every[partner]) * scale
            scaled = rows * scale
            to_every = (ctx.shares.T @ scaled).index_add_(0, partner, scaled, alpha=-1)
        return to_rows, to_every, None, None, None


class _AmongThemselves(torch.autograd.Function):
    """Every vector against all others: the exponentials are symmetric, so both roles' gradients are one product."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, partner: Tensor, temperature: float) -> Tensor:
        powers = (vectors / temperature) @ vectors.T
        positive = powers.gather(1, partner[:, None])[:, 0]
        powers.sub_(1 / temperature).exp_().fill_diagonal_(0)
        total = powers.sum(1)
        ctx.save_for_backward(vectors, powers, total, partner)
        ctx.temperature = temperature
        return total.log() + 1 / temperature - positive

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        vectors, powers, total, partner = ctx.saved_tensors
        share = gradient / total
        scaled = vectors * gradient[:, None]
        with torch.autocast(vectors.device.type, enabled=False):
            found = (share[:, None] + share).mul_(powers) @ vectors
        found -= vectors[partner] * gradient[:, None]
        return found.index_add_(0, partner, scaled, alpha=-1) / ctx.temperature, None, None


def contrast(
    rows: Float[Tensor, "rows dim"],
    every: Float[Tensor, "every dim"],
    own: Int[Tensor, " rows"],
    partner: Int[Tensor, " rows"],
    temperature: float,
) -> Float[Tensor, " rows"]:
    """``-log softmax(rows · every / temperature)`` at each row's ``partner``, its ``own`` column left out.

    All vectors have length 1. The result can be differentiated once.
    """
    loss: Tensor = _Contrast.apply(rows, every, own, partner, temperature)
    return loss


def contrast_all(
    vectors: Float[Tensor, "rows dim"], partner: Int[Tensor, " rows"], temperature: float
) -> Float[Tensor, " rows"]:
    """``contrast`` of ``vectors`` among themselves."""
    if temperature < _LEAST_TEMPERATURE:
        return contrast(vectors, vectors, torch.arange(len(vectors), device=vectors.device), partner, temperature)
    loss: Tensor = _AmongThemselves.apply(vectors, partner, temperature)
    return loss
