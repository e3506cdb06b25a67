"""Banks of random numbers made once on the host, of which operations take slices at drawn offsets.

Noise for every pixel of every view would cost more than all other operations. A slice of a bank at a random place
costs one copy, and is the same on every device.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random

Kind = Literal["normal", "uniform"]


def length(n: int) -> int:
    """Numbers in the bank that serves slices of ``n``: at least two million and four times the slice."""
    return 1 << max(21, (4 * n - 1).bit_length())


def offsets(u: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Where slices of ``n`` numbers start, from uniform numbers ``u`` in [0, 1)."""
    return (u * (length(n) - n + 1)).astype(np.int64)


@lru_cache(maxsize=4)
def _bank(kind: Kind, size: int, device: torch.device) -> Tensor:
    generator = random.generator("views bank", kind)
    if kind == "normal":
        numbers = generator.standard_normal(size, np.float32)
    else:
        numbers = generator.random(size, np.float32) * 2 - 1
    return torch.from_numpy(numbers).to(device)


def slices(kind: Kind, at: Tensor, n: int) -> Tensor:
    """``(N, n)``: the ``n`` numbers from each of the offsets ``at`` (N,); normal, or uniform in [-1, 1)."""
    bank = _bank(kind, length(n), at.device)
    return bank.as_strided((len(bank) - n + 1, n), (1, 1)).index_select(0, at.flatten())
