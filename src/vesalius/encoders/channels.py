"""Fit weights to another number of input channels, and say what was done; positions are fitted by ``positions``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from vesalius.encoders.positions import fit_positions

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


def adapt(
    tensors: Mapping[str, Tensor], network: nn.Module, made_for: Sequence[int] = ()
) -> tuple[dict[str, Tensor], list[str]]:
    """``tensors`` with the first kernel fitted to the network's channels, positions to its grid; and what was done.

    ``made_for``: pixels per side the tensors were trained with, where known (see ``positions``).
    """
    out, moved = fit_positions(tensors, network, made_for)
    notes, own = list[str](), network.state_dict()
    found = first_convolution(network)
    if found is not None:
        key, wanted = f"{found[0]}.weight".lstrip("."), own[f"{found[0]}.weight".lstrip(".")].shape
        given = out[key].shape if key in out else wanted
        if given != wanted and given[0] == wanted[0] and given[2:] == wanted[2:]:
            out[key] = adapt_kernel(out[key], wanted[1])
            notes.append(_channels_note(found[0], given[1], wanted[1]))
    return out, notes + moved


def _channels_note(name: str, given: int, wanted: int) -> str:
    rule = "summed" if wanted == 1 else f"summed and divided by {wanted} for each"
    return f"first convolution {name} adapted from {given} to {wanted} channels: kernels over the inputs {rule}"
