"""How far embeddings spread out, without labels: standard deviation, RankMe, effective rank, alpha-ReQ, and a verdict.

All are functions of the singular values, taken from a Gram matrix in double precision.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

Vectors = Float[Tensor, "samples dim"]
Spectrum = Float[Tensor, " values"]

COLLAPSED_STD = 0.01
"""Below this standard deviation, relative to that of an isotropic cloud, all vectors are one point."""
COLLAPSED_RANK = 2.0
"""Below this effective rank all vectors lie on one line."""
LOW_RANK_SHARE = 0.02
"""Below this share of the dimensions that could be used, most of the vector is a copy of the rest."""


@dataclass(frozen=True)
class Spread:
    """``std``: mean over dimensions of the L2-normalised vectors' deviation, times sqrt(dim): 1 for an isotropic cloud,
    0 for a point. ``rankme``, ``effective_rank``: numbers of dimensions. ``alpha``: decay of the spectrum.
    ``verdict``: ``spread``, ``low rank`` or ``collapsed``, with ``reason`` in one sentence.
    """

    std: float
    rankme: float
    effective_rank: float
    alpha: float
    verdict: str
    reason: str


def spread(vectors: Vectors) -> Spread:
    """Every measure and the verdict. Vectors that are not finite count as collapsed."""
    if len(vectors) < 2 or not bool(vectors.isfinite().all()):
        why = "fewer than two vectors" if len(vectors) < 2 else "some vectors are not finite"
        nothing = float("nan")
        return Spread(nothing, nothing, nothing, nothing, "collapsed", f"There is no spread: {why}.")
    plain, centred = singular_values(vectors)
    std, rank, effective = embedding_std(vectors), rankme(plain), effective_rank(centred)
    verdict, reason = judge(std, effective, min(len(vectors) - 1, vectors.shape[1]))
    return Spread(std, rank, effective, alpha_req(centred), verdict, reason)


def judge(std: float, effective: float, possible: int) -> tuple[str, str]:
    """Verdict and reason from the relative deviation, the effective rank and the number of dimensions possible."""
    if not std >= COLLAPSED_STD:
        share = f"deviation {std:.4f} of an isotropic cloud's, below {COLLAPSED_STD}"
        return "collapsed", f"All embeddings are nearly one point: {share}."
    if not effective >= min(COLLAPSED_RANK, possible):
        share = f"effective rank {effective:.2f}, below {COLLAPSED_RANK:g}"
        return "collapsed", f"All embeddings lie nearly on one line: {share}."
    if effective < LOW_RANK_SHARE * possible:
        return "low rank", f"Effective rank {effective:.1f} of {possible} possible: below {100 * LOW_RANK_SHARE:g} %."
    return "spread", f"Effective rank {effective:.1f} of {possible} possible."


def embedding_std(vectors: Vectors) -> float:
    """Mean deviation per dimension of the L2-normalised vectors, times sqrt(dim) (Chen and He, SimSiam, CVPR 2021)."""
    return float(normalize(vectors.float(), dim=1).std(0, correction=0).mean()) * math.sqrt(vectors.shape[1])


def singular_values(vectors: Vectors) -> tuple[Spectrum, Spectrum]:
    """Singular values, largest first, of the vectors and of the vectors less their mean."""
    if vectors.device.type == "mps":  # has no double precision
        vectors = vectors.cpu()
    count, dim = vectors.shape
    mean = vectors.mean(0, dtype=torch.float64)
    if count < dim:
        rows = vectors.double() - mean
        centred, along = rows @ rows.T, (rows @ mean)[:, None]
        plain = centred + along + along.T + mean @ mean
    else:
        centred = torch.zeros(dim, dim, dtype=torch.float64, device=vectors.device)
        for part in torch.split(vectors, 4096):  # a copy of all rows in double precision might not fit
            rows = part.double() - mean
            centred.addmm_(rows.T, rows)
        plain = torch.addr(centred, mean, mean, alpha=count)  # the mean is put back: taking it off would cancel digits
    return _roots(plain), _roots(centred)


def _roots(gram: Tensor) -> Tensor:
    squared: Tensor = torch.linalg.eigvalsh(gram)
    return squared.clamp(min=0).sqrt().flip(0)


def rankme(values: Spectrum, eps: float = 1e-7) -> float:
    """Exponential of the entropy of the shares of values *not* centred (Garrido et al., ICML 2023)."""
    share = values / values.sum().clamp(min=torch.finfo(values.dtype).tiny) + eps
    return float((-(share * share.log()).sum()).exp())


def effective_rank(values: Spectrum) -> float:
    """Exponential of the entropy of the centred values' shares (Roy and Vetterli, EUSIPCO 2007); 0 where all are 0."""
    total = values.sum()
    if not float(total) > 0:
        return 0.0
    share = values / total
    return float(torch.special.entr(share).sum().exp())


def alpha_req(values: Spectrum, first: int = 4, last: int = 100) -> float:
    """Exponent of the power law of the covariance's eigenvalues over ranks ``first`` to ``last``, weighted by 1 / rank.

    Agrawal et al., NeurIPS 2022, as in the released code. Near 1 is good, larger decays faster. NaN when fewer than
    two eigenvalues lie in the range.
    """
    squared = values.double() ** 2
    squared = squared[squared > squared[:1] * 1e-14]
    rank = torch.arange(1, len(squared) + 1, dtype=torch.float64, device=values.device)[first - 1 : last]
    if len(rank) < 2:
        return float("nan")
    x, y, weight = rank.log(), squared[first - 1 : last].log(), 1 / rank
    x, y = x - (weight * x).sum() / weight.sum(), y - (weight * y).sum() / weight.sum()
    return float(-(weight * x * y).sum() / (weight * x * x).sum())


def lidar(views: Float[Tensor, "images views dim"], delta: float = 1e-4) -> float:
    """Effective rank of the LDA matrix S_w^-1/2 S_b S_w^-1/2, each image a class and its views the class's samples.

    S_b: covariance of the images' means; S_w: mean covariance within an image, plus ``delta`` times the identity. Thilak
    et al., "LiDAR: Sensing linear probing performance in joint embedding SSL architectures", ICLR 2024. At most
    min(images - 1, dim); 0 where all means are equal; NaN with fewer than two images or views, or values not finite.
    """
    images, count, dim = views.shape
    if images < 2 or count < 2 or not bool(views.isfinite().all()):
        return float("nan")
    if views.device.type == "mps":  # has no double precision
        views = views.cpu()
    means = views.double().mean(1)
    within = delta * torch.eye(dim, dtype=torch.float64, device=views.device)
    for part, mean in zip(torch.split(views, 256), torch.split(means, 256), strict=True):
        rows = (part.double() - mean[:, None]).flatten(0, 1)
        within.addmm_(rows.T, rows, alpha=1 / (images * (count - 1)))
    factor, failed = torch.linalg.cholesky_ex(within)
    if bool(failed):
        return float("nan")
    # the matrix has the eigenvalues of its whitened means' Gram matrix, whichever way round is the smaller
    white = torch.linalg.solve_triangular(factor, (means - means.mean(0)).T, upper=False) / math.sqrt(images - 1)
    eigenvalues = torch.linalg.eigvalsh(white @ white.T if dim <= images else white.T @ white)
    return effective_rank(_without_rounding(eigenvalues))


def _without_rounding(eigenvalues: Spectrum) -> Spectrum:
    """Eigenvalues that are zero but for rounding become zero."""
    least = eigenvalues.abs().max() * len(eigenvalues) * torch.finfo(eigenvalues.dtype).eps
    return torch.where(eigenvalues > least, eigenvalues, 0.0)
