"""What pixels say without any network: their principal components, and their mean and deviation alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Real
from torch import Tensor

from vesalius import random


@dataclass(frozen=True, eq=False)
class PCA:
    """``components`` (D, k) orthonormal, of falling ``deviations`` (k,); ``mean`` (D,) is taken off first."""

    mean: Tensor
    components: Tensor
    deviations: Tensor

    def __call__(self, rows: Real[Tensor, "samples ..."]) -> Float[Tensor, "samples k"]:
        """Coordinates of each sample, whatever its shape."""
        return (rows.flatten(1).to(self.mean) - self.mean) @ self.components


def fit(
    rows: Real[Tensor, "samples ..."], k: int, *, seed: int = 0, oversample: int = 16, iterations: int = 4
) -> PCA:
    """The ``k`` leading principal components (fewer where samples or dimensions are fewer), each sample flattened.

    Randomised range finder with power iterations: Halko, Martinsson and Tropp, SIAM Review 53, 2011, algorithms 4.4 and
    5.1. Each component's largest entry is positive.
    """
    flat = _floating(rows.flatten(1))
    mean = flat.mean(0)
    centred = flat - mean
    count, dim = centred.shape
    k = min(k, dim, max(count - 1, 1))
    width = min(k + oversample, dim, count)
    start = random.generator("pca", seed).standard_normal((dim, width))
    basis = torch.linalg.qr(centred @ torch.from_numpy(start).to(centred))[0]
    for _ in range(iterations):
        basis = torch.linalg.qr(centred.T @ basis)[0]
        basis = torch.linalg.qr(centred @ basis)[0]
    _, values, right = torch.linalg.svd(basis.T @ centred, full_matrices=False)
    components = right[:k].T
    largest = components.gather(0, components.abs().argmax(0, keepdim=True))
    components = components * torch.where(largest < 0, -1.0, 1.0)
    return PCA(mean, components.contiguous(), values[:k] / max(1, count - 1) ** 0.5)


def mean_and_deviation(rows: Real[Tensor, "samples channels ..."]) -> Float[Tensor, "samples features"]:
    """Mean and standard deviation of each channel of each image: (N, 2 * channels)."""
    flat = _floating(rows.flatten(2))
    return torch.cat([flat.mean(2), flat.std(2, correction=0)], 1)


def _floating(rows: Tensor) -> Tensor:
    return rows if rows.dtype in (torch.float32, torch.float64) else rows.float()
