"""Batches for the tests of views: random pixels, the numbers of one operation, one operation applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from scipy import stats

from vesalius.data.pixels import Pixels
from vesalius.views.operation import Chance, Parameters, Pixelwise
from vesalius.views.pipeline import Views

CPU = torch.device("cpu")
DRAWS = 10_000


def images(n: int, channels: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Smooth random images in [0, 1], (n, channels, height, width): waves and a little noise, nothing clipped."""
    g = torch.Generator().manual_seed(seed)
    y, x = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 1, width)[None]
    wave = torch.rand(n, channels, 3, generator=g) * 6
    out = torch.sin(wave[..., 0, None, None] * x + wave[..., 1, None, None] * y * 3 + wave[..., 2, None, None])
    return (out * 0.4 + 0.5 + (torch.rand(n, channels, height, width, generator=g) - 0.5) * 0.1).clamp(0, 1)


def stored(x: torch.Tensor, extents: np.ndarray | None = None, dtype: torch.dtype = torch.uint8) -> Pixels:
    """Images (B, C, H, W) in [0, 1] as a store gives them."""
    top = {torch.uint8: 255, torch.uint16: 65535, torch.int16: 32767}[dtype]
    sides = torch.tensor(x.shape[2:]).expand(len(x), 2) if extents is None else torch.from_numpy(extents)
    n = len(x)
    return Pixels((x * top).round().to(dtype)[:, None], sides[:, None], torch.full((n, 1), 1 / top), torch.zeros(n, 1))


def ids(n: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 1 << 63, n).astype(np.uint64)


def chance(n: int = DRAWS, view: int = 0, seed: int = 7) -> Chance:
    return Chance(seed, 0, ids(n), "group/0-test", view=view)


def change(operation: Pixelwise, x: torch.Tensor, values: Mapping[str, Any]) -> torch.Tensor:
    """The operation on a copy of ``x`` with hand-made values."""
    arrays = {name: np.asarray(value) for name, value in values.items()}
    return operation.change(x.clone(), Parameters.of(operation.prepare(arrays, x.shape[1]), CPU))


def run(views: Views, pixels: Pixels, seed: int = 0, epoch: int = 0, keys: np.ndarray | None = None) -> Any:
    """Draw and apply; extents are the pixels' own."""
    n = len(pixels.data)
    keys = ids(n) if keys is None else keys
    draws = views.draw(seed, epoch, np.arange(n), keys, pixels.extents[:, 0].numpy())
    return views.apply(pixels, draws)


def same_distribution(ours: np.ndarray, peers: np.ndarray) -> float:
    """The p value of the two-sample Kolmogorov-Smirnov test. Seeds are fixed: a value is below 0.001 or it is not."""
    return float(stats.ks_2samp(np.asarray(ours, float).ravel(), np.asarray(peers, float).ravel()).pvalue)
