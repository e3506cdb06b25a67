"""Look at what a network puts out without leaving a trace in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import nn

_LARGE = 48**3


@contextmanager
def untouched(module: nn.Module) -> Iterator[None]:
    """Inside: evaluation mode, no gradient. Afterwards: modes, buffers and torch's CPU generator are as they were."""
    modes = {child: child.training for child in module.modules()}
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers() if buffer is not None}
    state = torch.random.get_rng_state()
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                if name in buffers and buffers[name].shape == buffer.shape:
                    buffer.copy_(buffers[name])
        torch.random.set_rng_state(state)
        for child, mode in modes.items():
            child.training = mode


def dummy_forward(module: nn.Module, channels: int, size: tuple[int, ...]) -> Any:
    """What ``module`` puts out for two blank inputs ``(2, channels, *size)``; no buffer, mode or generator changes.

    Above 48³ voxels shapes alone are followed where that works: such a forward would take a large network half a minute. The
    tensors that come back then hold no values (they are on the device ``meta``).
    """
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    with untouched(module):
        if len(size) == 3 and math.prod(size) > _LARGE:
            with suppress(Exception):  # whatever it was, the real forward says it
                return _followed(module, torch.empty(2, channels, *size, device="meta"))
        return module(torch.zeros(2, channels, *size, device=device))


class _Pyramid(nn.Module):
    """An encoder whose forward is its pyramid."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, x: torch.Tensor) -> Any:
        return self.encoder.pyramid(x)  # type: ignore[operator]


def pyramid_shapes(encoder: nn.Module, channels: int, size: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Channels and sides of each map of the encoder's pyramid for inputs of ``channels`` and ``size``. Nothing changes."""
    return [tuple(each.shape[1:]) for each in dummy_forward(_Pyramid(encoder), channels, size)]


def _followed(module: nn.Module, x: torch.Tensor) -> Any:
    """``module`` of ``x`` with all its tensors on the device ``meta``, where nothing is computed."""
    own = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return torch.func.functional_call(module, {name: tensor.to("meta") for name, tensor in own.items()}, (x,))
