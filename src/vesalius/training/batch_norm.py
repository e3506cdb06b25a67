"""Batch normalisation over all ranks, on any device.

torch's ``SyncBatchNorm`` refuses the CPU; this one runs there too, allows uneven ranks, and gives the statistics one
process would have had. On CUDA torch's own is used.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


class GlobalBatchNorm(_BatchNorm):
    """``nn.BatchNormNd`` whose training statistics are those of the global batch."""

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2 dimensions, got {input.dim()}")

    def forward(self, input: Tensor) -> Tensor:
        """``(B, C, *spatial)`` or ``(B, C)`` -> the same shape."""
        if not (self.training and dist.is_initialized() and dist.get_world_size() > 1):
            return super().forward(input)
        axes, shape = [0, *range(2, input.dim())], [1, -1] + [1] * (input.dim() - 2)
        x = input.float() if input.dtype in (torch.float16, torch.bfloat16) else input
        count = torch.tensor([x.numel() / x.shape[1]], dtype=torch.float64, device=x.device)
        dist.all_reduce(count)
        n = float(count)
        mean: Tensor = _Sum.apply(x.sum(axes)) / n
        centred = x - mean.view(shape)
        variance: Tensor = _Sum.apply(centred.pow(2).sum(axes)) / n
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            with torch.no_grad():
                self.num_batches_tracked.add_(1)
                rate = self.momentum if self.momentum is not None else 1.0 / float(self.num_batches_tracked)
                self.running_mean.lerp_(mean.to(self.running_mean.dtype), rate)
                self.running_var.lerp_((variance * n / max(1.0, n - 1)).to(self.running_var.dtype), rate)
        out = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            out = out * self.weight.view(shape) + self.bias.view(shape)
        return out.to(input.dtype)


class GlobalBatchNormAct(GlobalBatchNorm):
    """The same with ``drop`` and ``act`` behind it, as timm's ``BatchNormAct2d`` has them."""

    drop: nn.Module
    act: nn.Module

    def forward(self, input: Tensor) -> Tensor:
        """``(B, C, height, width)`` -> the same shape."""
        out: Tensor = self.act(self.drop(super().forward(input)))
        return out


def share_batch_norm(module: nn.Module, device: torch.device) -> nn.Module:
    """Replace every batch norm inside ``module`` by one over all ranks, which takes over its parameters, buffers and names."""
    from timm.layers.norm_act import BatchNormAct2d, convert_sync_batchnorm

    if device.type == "cuda":
        # timm's own: torch's would lose the activation that timm's norm layers carry
        shared_on_gpu: nn.Module = convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return shared_on_gpu
    for name, child in list(module.named_children()):
        if isinstance(child, _BatchNorm):
            kind = GlobalBatchNormAct if isinstance(child, BatchNormAct2d) else GlobalBatchNorm
            shared = kind(child.num_features, child.eps, child.momentum, child.affine, child.track_running_stats)
            # the very same parameters and buffers: an optimizer may hold them already
            shared._parameters.update(child._parameters)
            shared._buffers.update(child._buffers)
            shared._modules.update(child._modules)
            shared.train(child.training)
            setattr(module, name, shared)
        else:
            share_batch_norm(child, device)
    return module
