"""Measures of a spectrum with what each sample does to them, so that intervals need no second decomposition.

To first order an eigenvalue of a second moment moves with a sample's weight by that sample's squared coordinate along its vector, less
the eigenvalue. The derivative of a measure by the eigenvalues so gives each sample's influence, and a bootstrap replicate is the
value plus the weighted mean influence (the infinitesimal jackknife: Jaeckel, 1972; Efron and Tibshirani, 1993, chapter 22).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from vesalius.measures import rank

Statistic = Callable[[Tensor], Tensor]
"""Eigenvalues (k,), largest first, to a number ()."""


@dataclass(frozen=True, eq=False)
class Influenced:
    """A number and the influence (n,) of each sample (or image) on it; these have mean 0."""

    value: float
    influence: Float[Tensor, " samples"]

    def replicates(self, weights: Float[Tensor, "samples replicates"]) -> Float[Tensor, " replicates"]:
        """The number under each weighting, to first order."""
        times = weights.to(self.influence)
        return self.value + (self.influence @ times) / times.sum(0)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """``eigenvalues`` (k,) above rounding, largest first, and ``slopes`` (n, k): what a sample's weight does to each. ``zeros``: eigenvalues
    that are left out, of min(samples, dim).
    """

    eigenvalues: Tensor
    slopes: Tensor
    zeros: int

    def measure(self, statistic: Statistic) -> Influenced:
        """``statistic`` with its influences; NaN without any where it is undefined."""
        at = self.eigenvalues.clone().requires_grad_()
        value = statistic(at)
        if not bool(value.isfinite()) or not value.requires_grad:
            return Influenced(float(value.detach()), torch.zeros_like(self.slopes[:, 0]))
        (slope,) = torch.autograd.grad(value, at)
        return Influenced(float(value.detach()), self.slopes @ slope)


def spectrum(vectors: Float[Tensor, "samples dim"], *, centred: bool) -> Spectrum:
    """Of the mean outer product of the vectors, or of the vectors less their mean; in double precision."""
    x = (vectors.cpu() if vectors.device.type == "mps" else vectors).double()
    x = x - x.mean(0) if centred else x
    count, dim = x.shape
    if count < dim:
        values, left = torch.linalg.eigh(x @ x.T / count)
        along = left.square() * values * count  # the squared coordinates: those of the left vectors, scaled
    else:
        values, right = torch.linalg.eigh(x.T @ x / count)
        along = (x @ right).square()
    keep = values > values[-1] * len(values) * torch.finfo(values.dtype).eps
    values, along = values[keep].flip(0), along[:, keep].flip(1)
    return Spectrum(values, along - values, min(count, dim) - len(values))


def lidar(views: Float[Tensor, "images views dim"], delta: float = 1e-4) -> Influenced:
    """``rank.lidar`` with the influence of each image."""
    x = (views.cpu() if views.device.type == "mps" else views).double()
    images, count, dim = x.shape
    means = x.mean(1)
    apart = (x - means[:, None]).flatten(0, 1)
    within = apart.T @ apart / (images * (count - 1)) + delta * torch.eye(dim, dtype=x.dtype, device=x.device)
    factor = torch.linalg.cholesky(within)
    centred = means - means.mean(0)
    white = torch.linalg.solve_triangular(factor, centred.T, upper=False)
    values, right = torch.linalg.eigh(white.T @ white / (images - 1))
    keep = values > values[-1].abs() * len(values) * torch.finfo(values.dtype).eps
    values, right = values[keep].flip(0), right[:, keep].flip(1)
    if not len(values):
        return Influenced(0.0, torch.zeros(images, dtype=x.dtype))
    # the generalised vectors, of length 1 within images
    axes = torch.linalg.solve_triangular(factor.T, white @ right / (values * (images - 1)).sqrt(), upper=True)
    between = (centred @ axes).square() * images / (images - 1)
    around = (apart @ axes).square().view(images, count, -1).sum(1) / (count - 1)
    slopes = (between - values) - values * (around - around.mean(0))
    return Spectrum(values, slopes, 0).measure(entropy_rank)


def rankme(zeros: int, eps: float = 1e-7) -> Statistic:
    """RankMe of eigenvalues, beside which there are so many zeros; see ``rank.rankme``."""

    def measured(eigenvalues: Tensor) -> Tensor:
        root = eigenvalues.sqrt()
        share = root / root.sum() + eps
        return (-(share * share.log()).sum() - zeros * eps * math.log(eps)).exp()

    return measured


def effective_rank(eigenvalues: Tensor) -> Tensor:
    """Of the singular values, the roots of ``eigenvalues`` (d,), a number (); see ``rank.effective_rank``."""
    return entropy_rank(eigenvalues.sqrt())


def entropy_rank(values: Tensor) -> Tensor:
    """Exponential of the entropy of the shares of ``values`` (d,), a number ()."""
    share = values / values.sum()
    return (-(share * share.log()).sum()).exp()


def alpha_req(eigenvalues: Tensor, first: int = 4, last: int = 100) -> Tensor:
    """Of ``eigenvalues`` (d,), descending, a number (); see ``rank.alpha_req``."""
    place = torch.arange(1, len(eigenvalues) + 1, dtype=torch.float64, device=eigenvalues.device)[first - 1 : last]
    if len(place) < 2:
        return eigenvalues.new_tensor(math.nan)
    x, y, weight = place.log(), eigenvalues[first - 1 : last].log(), 1 / place
    x, y = x - (weight * x).sum() / weight.sum(), y - (weight * y).sum() / weight.sum()
    return -(weight * x * y).sum() / (weight * x * x).sum()


def participation_ratio(eigenvalues: Tensor) -> Tensor:
    """(sum)^2 / sum of squares of ``eigenvalues`` (d,), a number ()."""
    return eigenvalues.sum() ** 2 / eigenvalues.square().sum()


def stable_rank(eigenvalues: Tensor) -> Tensor:
    """Sum / largest of ``eigenvalues`` (d,), descending, a number (): the squared Frobenius norm over the squared spectral norm."""
    return eigenvalues.sum() / eigenvalues[0]


def alignment(views: Float[Tensor, "images views dim"]) -> Influenced:
    """Mean squared distance of two L2-normalised views of one image (Wang and Isola, ICML 2020); 0: they are one."""
    x = normalize(views.double() if views.device.type != "mps" else views, dim=-1)
    count = x.shape[1]
    each = 2 * (count - x.sum(1).square().sum(-1) / count) / (count - 1)
    return Influenced(float(each.mean()), each - each.mean())


def uniformity(vectors: Float[Tensor, "samples dim"]) -> Influenced:
    """Logarithm of the mean of exp(-2 squared distance) over pairs of L2-normalised samples (Wang and Isola); lower is more even."""
    x = normalize(vectors.double() if vectors.device.type != "mps" else vectors, dim=-1)
    near = (4 * (x @ x.T - 1)).exp()
    each = (near.sum(1) - near.diagonal()) / (len(x) - 1)
    return Influenced(float(each.mean().log()), 2 * (each / each.mean() - 1))


def of_vectors(vectors: Float[Tensor, "samples dim"]) -> dict[str, Influenced]:
    """``rankme`` (as they are), ``effective_rank``, ``alpha_req``, ``participation_ratio`` and ``stable_rank`` (less their mean)."""
    plain, centred = spectrum(vectors, centred=False), spectrum(vectors, centred=True)
    if not len(plain.eigenvalues) or not len(centred.eigenvalues):  # one point
        nothing = torch.zeros(len(vectors), dtype=torch.float64)
        known = {"rankme": rank.rankme(plain.eigenvalues.sqrt()) if len(plain.eigenvalues) else 0.0}
        return {name: Influenced(known.get(name, 0.0 if name != "alpha_req" else math.nan), nothing) for name in NAMES}
    return {
        "rankme": plain.measure(rankme(plain.zeros)),
        "effective_rank": centred.measure(effective_rank),
        "alpha_req": centred.measure(alpha_req),
        "participation_ratio": centred.measure(participation_ratio),
        "stable_rank": centred.measure(stable_rank),
    }


NAMES = ("rankme", "effective_rank", "alpha_req", "participation_ratio", "stable_rank")
