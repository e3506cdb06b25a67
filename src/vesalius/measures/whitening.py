"""Features made of unit variance in every direction, by a mean and a covariance of other images than those that are looked at.

A covariance of n vectors in d dimensions has at most n - 1 directions, and its small eigenvalues are far too small long before that. Images
that helped to estimate it look alike in those directions, or unlike, whatever the encoder does (the original's similarity of 0.001 where
0.90 is true). So vectors are held out, and either all directions are shrunk (Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance
matrices", Journal of Multivariate Analysis 2004) or only the ``n / 5`` leading ones are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Kind = Literal["truncated", "ledoit-wolf"]
PER_DIRECTION = 5
"""Vectors that a direction of a truncated covariance needs."""
_ROUNDING = 1e-10
"""Variances below this share of the largest are those of rounding: a feature that is 0 for every image has no direction."""
RIDGE = 1e-6
"""What Ericsson et al. add to the diagonal."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """``mean`` (D,) and ``factor`` (D, r): the covariance in use is ``factor @ factor.T``, its columns are orthogonal.

    ``samples``: how many vectors it was estimated on. ``shrinkage``: the share of the mean variance in every direction; 0: none.
    """

    mean: Float[Tensor, " dim"]
    factor: Float[Tensor, "dim rank"]
    samples: int
    shrinkage: float = 0.0

    def __call__(self, vectors: Float[Tensor, "... dim"]) -> Float[Tensor, "... rank"]:
        """Coordinates of unit variance, in double precision."""
        return (double(vectors) - self.mean) @ (self.factor / self.factor.square().sum(0))

    @property
    def rank(self) -> int:
        """How many directions are looked at."""
        return self.factor.shape[1]

    @property
    def condition(self) -> float:
        """The largest variance over the smallest of those in use."""
        variances = self.factor.square().sum(0)
        return float(variances.max() / variances.min())


def fit(vectors: Float[Tensor, "samples dim"], kind: Kind = "truncated", rank: int | None = None) -> Whitening:
    """The whitening of ``vectors``, in double precision, its directions of falling variance.

    ``truncated``: the leading ``samples / 5`` directions or ``rank`` of them where that is less; all where there are five vectors for each
    dimension. ``ledoit-wolf``: all (or ``rank``) directions of the shrunk covariance. Raises ValueError where fewer than ten vectors, or
    vectors that are all the same, leave nothing to estimate.
    """
    x = double(vectors)
    count, dim = x.shape
    if count < 2 * PER_DIRECTION:
        raise ValueError(f"{count} vectors are too few for a covariance")
    mean = x.mean(0)
    x = x - mean
    share = 0.0 if kind == "truncated" else shrinkage(vectors)
    if kind == "truncated" and count < dim:
        values, left = torch.linalg.eigh(x @ x.T / (count - 1))
        values, axes = values.flip(0), left.flip(1)
        values = values[: count // PER_DIRECTION]
        axes = x.T @ axes[:, : len(values)]
        axes = axes / axes.norm(dim=0).clamp_min(torch.finfo(axes.dtype).tiny)
    else:
        values, axes = torch.linalg.eigh(x.T @ x / (count - 1 if kind == "truncated" else count))
        values, axes = values.flip(0), axes.flip(1)
        values = (1 - share) * values + share * values.mean()
    most = min(len(values), dim if kind == "ledoit-wolf" else count // PER_DIRECTION, dim if rank is None else rank)
    keep = int((values[:most] > _ROUNDING * values[0]).sum()) if values[0] > 0 else 0
    if not keep:
        raise ValueError("all vectors are the same")
    return Whitening(mean, axes[:, :keep] * values[:keep].sqrt(), count, share)


def shrinkage(vectors: Float[Tensor, "samples dim"]) -> float:
    """Ledoit and Wolf's share of the mean variance, 0 to 1: their formula, as scikit-learn has it."""
    x = double(vectors)
    count, dim = x.shape
    x = x - x.mean(0)
    smaller = x @ x.T / count if count < dim else x.T @ x / count
    square, trace = smaller.square().sum(), smaller.trace()
    away = (square - trace.square() / dim) / dim
    noise = (x.square().sum(1).square().sum() / count - square) / (dim * count)
    return float(torch.where(away > 0, torch.minimum(noise, away) / away, torch.zeros_like(away)))


@dataclass(frozen=True, eq=False)
class Ridged:
    """The estimate of Ericsson et al., in single precision: ``mean`` (D,), ``covariance`` (D, D), ``weights`` (D, D) whose product with its
    transpose is the inverse of covariance + 1e-6.
    """

    mean: Float[Tensor, " dim"]
    covariance: Float[Tensor, "dim dim"]
    weights: Float[Tensor, "dim dim"]

    def __call__(self, vectors: Float[Tensor, "... dim"]) -> Float[Tensor, "... dim"]:
        """Their coordinates, in which a small variance weighs up to a million times."""
        return (vectors.to(self.mean) - self.mean) @ self.weights


def ridged(vectors: Float[Tensor, "samples dim"]) -> tuple[Float[Tensor, " dim"], Float[Tensor, "dim dim"]]:
    """Mean and covariance as they are estimated there: of whatever is given, in single precision."""
    x = vectors.float()
    return x.mean(0), torch.cov(x.T)


def original(mean: Float[Tensor, " dim"], covariance: Float[Tensor, "dim dim"]) -> Ridged:
    """The whitening of Ericsson et al., "Why Do Self-Supervised Models Transfer?" (2021), to show what it gives.

    Cholesky's factor in single precision, as theirs; where that finds the inverse not positive definite, a square root in double precision.
    """
    eye = torch.eye(len(mean), dtype=covariance.dtype, device=covariance.device)
    weights, failed = torch.linalg.cholesky_ex(torch.linalg.inv(covariance + RIDGE * eye))
    if bool(failed) or not bool(weights.isfinite().all()):
        values, axes = torch.linalg.eigh(double(covariance))
        weights = (axes * (values.clamp_min(0) + RIDGE).rsqrt()).to(covariance)
    return Ridged(mean, covariance, weights)


def double(vectors: Tensor) -> Tensor:
    """``vectors`` (n, d) in double precision; on the processor where the device has none."""
    return (vectors.cpu() if vectors.device.type == "mps" else vectors).double()
