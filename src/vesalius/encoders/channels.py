"""Fit weights to another number of input channels or another grid of patches, and say what was done."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d


def adapt_kernel(kernel: Float[Tensor, "out channels *size"], channels: int) -> Float[Tensor, "out new *size"]:
    """The kernel for ``channels`` inputs: every one gets the sum over the old inputs, divided by their number.

    An image whose channels are equal then gives exactly the response of the old kernel to that image in all of its
    channels; with one channel this is the plain sum, so a grey image acts as its RGB copy did.
    """
    return kernel.sum(1, keepdim=True).repeat_interleave(channels, dim=1) / channels


def first_convolution(network: nn.Module) -> tuple[str, Convolution] | None:
    """Name and module of the convolution that sees the input, or None where there is none."""
    for name, module in network.named_modules():
        if isinstance(module, Convolution):
            return name, module
    return None


def replace_first_convolution(network: nn.Module, channels: int) -> None:
    """Give a ``network`` of random weights a first convolution of ``channels`` inputs, as random as the old one."""
    found = first_convolution(network)
    if found is None or found[1].in_channels == channels:
        return
    name, old = found
    kind: Any = type(old)
    new = kind(
        channels,
        old.out_channels,
        old.kernel_size,
        old.stride,
        old.padding,
        old.dilation,
        bias=old.bias is not None,
        padding_mode=old.padding_mode,
        device=old.weight.device,
        dtype=old.weight.dtype,
    )
    nn.init.normal_(new.weight, std=float(old.weight.detach().std()))
    if old.bias is not None:
        new.bias.data.copy_(old.bias.data)
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, new)


def adapt(tensors: Mapping[str, Tensor], network: nn.Module) -> tuple[dict[str, Tensor], list[str]]:
    """``tensors`` with the first kernel fitted to the network's channels, positions to its grid; and what was done."""
    out, notes, own = dict(tensors), list[str](), network.state_dict()
    found = first_convolution(network)
    if found is not None:
        key, wanted = f"{found[0]}.weight".lstrip("."), own[f"{found[0]}.weight".lstrip(".")].shape
        given = out[key].shape if key in out else wanted
        if given != wanted and given[0] == wanted[0] and given[2:] == wanted[2:]:
            out[key] = adapt_kernel(out[key], wanted[1])
            notes.append(_channels_note(found[0], given[1], wanted[1]))
    for key, tensor in tensors.items():
        if key.endswith("pos_embed") and key in own and tensor.ndim == 3 and tensor.shape[1] != own[key].shape[1]:
            fitted = _resample_positions(tensor, own[key].shape[1])
            if fitted is not None:
                out[key] = fitted
                notes.append(f"position embeddings {key} interpolated from {tensor.shape[1]} to {own[key].shape[1]}")
    return out, notes


def _channels_note(name: str, given: int, wanted: int) -> str:
    rule = "summed" if wanted == 1 else f"summed and divided by {wanted} for each"
    return f"first convolution {name} adapted from {given} to {wanted} channels: kernels over the inputs {rule}"


def _resample_positions(positions: Float[Tensor, "1 given dim"], wanted: int) -> Tensor | None:
    """Square grids of positions of another side, the same number of class tokens before them."""
    for prefix in range(9):
        sides = [math.isqrt(max(0, count - prefix)) for count in (positions.shape[1], wanted)]
        if [side**2 + prefix for side in sides] == [positions.shape[1], wanted]:
            from timm.layers.pos_embed import resample_abs_pos_embed

            new = [sides[1], sides[1]]
            fitted: Tensor = resample_abs_pos_embed(positions, new, num_prefix_tokens=prefix, verbose=False)
            return fitted
    return None
