"""From the host's memory to a device: the one place where it is said how."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor


def to_device(values: Tensor | NDArray[Any], device: torch.device) -> Tensor:
    """``values`` (...,), of any type, on ``device``.

    A GPU fetches them from page-locked memory when it comes to it: from other memory, or by a copy that blocks, the host would first
    wait for all that is queued. No other device gets a copy that does not block: MPS may read the source after its memory was given
    back, and the numbers are others without an error (pytorch/pytorch#189690).
    """
    tensor = values if isinstance(values, Tensor) else torch.from_numpy(values)
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
