"""Rows of all ranks, with gradient: what lets a contrastive loss or a covariance see the global batch.

The ranks may hold different numbers of rows. Backward sums every rank's gradient for my rows; together with DDP's mean
over ranks and the loop's ``world / n_global`` this is the gradient one process would have computed.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def world_size() -> int:
    """Number of ranks; 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def _counts(x: Tensor) -> list[int]:
    mine = torch.tensor([x.shape[0]], device=x.device)
    counts = [torch.zeros_like(mine) for _ in range(world_size())]
    dist.all_gather(counts, mine)
    return [int(c) for c in counts]


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.counts = _counts(x)
        most = max(ctx.counts)
        padded = torch.cat([x, x.new_zeros(most - x.shape[0], *x.shape[1:])]).contiguous()
        parts = [torch.empty_like(padded) for _ in ctx.counts]
        dist.all_gather(parts, padded)
        return torch.cat([part[:count] for part, count in zip(parts, ctx.counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].contiguous()
        dist.all_reduce(gradient)
        start = sum(ctx.counts[: dist.get_rank()])
        return gradient[start : start + ctx.counts[dist.get_rank()]]


def gather(x: Tensor) -> Tensor:
    """``(local, ...)`` -> ``(global, ...)``, rows in rank order; itself when there is one process."""
    if world_size() == 1:
        return x
    gathered: Tensor = _Gather.apply(x)
    return gathered


def first_row(x: Tensor) -> int:
    """Where my first row, of ``x`` (local, ...), stands among the gathered rows."""
    return 0 if world_size() == 1 else sum(_counts(x)[: dist.get_rank()])


def total(x: Tensor) -> Tensor:
    """The sum of ``x``, of any shape (...,), over ranks, without gradient; itself when there is one process."""
    if world_size() == 1:
        return x.detach()
    summed = x.detach().clone()
    dist.all_reduce(summed)
    return summed
