"""Numbers on their way from the device to the host: asked for when they are made, read when they have long arrived."""

from __future__ import annotations

import torch
from torch import Tensor


class Arriving:
    """``value`` (...,), which nothing may change afterwards, asked of its device now.

    To look at a tensor on a GPU is to wait for all that was queued since it was made as well. A copy that is queued right behind it,
    into page-locked memory and with an event behind that, is waited for alone. Other devices are looked at when it is read.
    """

    def __init__(self, value: Tensor) -> None:
        self._value = value.detach()
        self._there: torch.cuda.Event | None = None
        if value.is_cuda:
            self._value = torch.empty(value.shape, dtype=value.dtype, pin_memory=True).copy_(self._value, non_blocking=True)
            self._there = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._there.record(torch.cuda.current_stream(value.device))

    def read(self) -> Tensor:
        """The value (...,), on the host where it came from a GPU."""
        if self._there is not None:
            self._there.synchronize()
        return self._value
