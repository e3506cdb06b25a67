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
