"""Banks of random numbers made once on the host, of which operations take slices at drawn offsets.

Noise for every pixel of every view would cost more than all other operations. A slice of a bank at a random place
costs one copy, and is the same on every device. Smooth fields are windows of a bank that was smoothed once.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random
from vesalius.data.to_device import to_device

SIDE = 1536
"""Rows and columns of a bank of smooth numbers; it goes on at its other end where a window leaves it."""
ORDERS = 1024
"""Orders in a bank of them."""
TRUNCATE = 4.0
"""Standard deviations from the middle where the bell that smooths is cut off, as SciPy's."""


def length(n: int) -> int:
    """Numbers in the bank that serves slices of ``n``: at least two million and four times the slice."""
    return 1 << max(21, (4 * n - 1).bit_length())


def offsets(u: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Where slices of ``n`` numbers start, from uniform numbers ``u`` (B, ...) in [0, 1)."""
    return (u * (length(n) - n + 1)).astype(np.int64)


def corners(u: NDArray[np.float64], canvas: NDArray[np.float64]) -> NDArray[np.int64]:
    """Top left corners (..., 2) of windows of a smooth bank for canvases (B, 2), from uniform numbers ``u`` (B, ..., 2).

    Windows of up to half the bank lie inside it.
    """
    room = SIDE - np.minimum(np.ceil(canvas), SIDE // 2) + 1
    found: NDArray[np.int64] = np.floor(u * room[:, None]).astype(np.int64)
    return found


@lru_cache(maxsize=4)
def _bank(size: int, device: torch.device) -> Tensor:
    numbers = random.generator("views bank", "normal").standard_normal(size, np.float32)
    return torch.from_numpy(numbers).to(device)


def slices(at: Tensor, n: int) -> Tensor:
    """``(N, n)``: the ``n`` normal numbers from each of the offsets ``at`` (N,)."""
    bank = _bank(length(n), at.device)
    return bank.as_strided((len(bank) - n + 1, n), (1, 1)).index_select(0, at.flatten())


@lru_cache(maxsize=4)
def _uniform_bank(size: int, device: torch.device) -> Tensor:
    return torch.from_numpy(random.generator("views bank", "flat").random(size, np.float32)).to(device)


def uniforms(n: int, device: torch.device) -> Tensor:
    """``(length,)``: the bank of uniform numbers in [0, 1) that serves slices of ``n`` from ``offsets``."""
    return _uniform_bank(length(n), device)


def uniform_slices(at: Tensor, n: int) -> Tensor:
    """``(N, n)``: the ``n`` uniform numbers from each of the offsets ``at`` (N,)."""
    bank = uniforms(n, at.device)
    return bank.as_strided((len(bank) - n + 1, n), (1, 1)).index_select(0, at.flatten())


@lru_cache(maxsize=8)
def orders(n: int) -> NDArray[np.int64]:
    """``(ORDERS, n)``: the numbers from 0 to ``n`` - 1 in one order after another."""
    drawn = random.generator("views bank", "orders", n).random((ORDERS, n))
    return np.argsort(drawn, axis=1, kind="stable")


@lru_cache(maxsize=4)
def smooth(sigma: float, device: torch.device) -> Tensor:
    """``(SIDE, SIDE)``: uniform numbers in [-1, 1) smoothed by a bell of ``sigma`` pixels, the ends meeting."""
    rough = random.generator("views bank", "uniform").random((SIDE, SIDE), np.float32) * 2 - 1
    radius = min(int(TRUNCATE * sigma + 0.5), SIDE - 1)
    bell = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel = torch.from_numpy((bell / bell.sum()).astype(np.float32)).view(1, 1, -1)
    field = torch.from_numpy(rough).unsqueeze(1)
    for _ in range(2):
        field = F.conv1d(F.pad(field, (radius, radius), mode="circular"), kernel).transpose(0, 2)
    return field[:, 0].contiguous().to(device)


def window(sigma: float, rows: NDArray[np.integer], columns: NDArray[np.integer], device: torch.device) -> Tensor:
    """``(rows, columns)``: the smooth numbers at these, counted on beyond the bank's end."""
    bank = smooth(sigma, device)
    for axis, at in enumerate((rows, columns)):
        first, last = int(at[0]), int(at[-1])
        if first >= 0 and last < SIDE and (np.diff(at) == 1).all():
            bank = bank.narrow(axis, first, len(at))
        else:
            bank = bank.index_select(axis, to_device(np.asarray(at, np.int64) % SIDE, device))
    return bank


@lru_cache(maxsize=8)
def reach(sigma: float) -> float:
    """The largest magnitude in a bank of smooth numbers."""
    return float(smooth(sigma, torch.device("cpu")).abs().max())
