"""Look at what a network puts out without leaving a trace in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


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
    """What ``module`` puts out for two blank inputs ``(2, channels, *size)``; no buffer, mode or generator changes."""
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    with untouched(module):
        return module(torch.zeros(2, channels, *size, device=device))
