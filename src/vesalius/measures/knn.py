"""Exact k nearest neighbours by cosine similarity, and what they say of a label.

Weighted vote as in Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", CVPR 2018
(k = 20 and temperature 0.07 as in DINO, Caron et al., ICCV 2021).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from vesalius.errors import UserError

_CELLS = 1 << 24
"""Similarities held at a time: 64 MB in single precision."""


def neighbours(
    query: Float[Tensor, "queries dim"], base: Float[Tensor, "base dim"], k: int, *, exclude_self: bool = False
) -> tuple[Int[Tensor, "queries k"], Float[Tensor, "queries k"]]:
    """The ``k`` rows of ``base`` most similar to each row of ``query``, most similar first, with their cosines.

    ``exclude_self``: ``query`` is ``base`` and a row is not its own neighbour. ``k`` is cut to what there is; a row of
    zeros has cosine 0 with everything. Raises UserError when nothing is left to be a neighbour.
    """
    if exclude_self and len(query) != len(base):
        raise ValueError("exclude_self is for a query that is the base itself.")
    k = min(k, len(base) - int(exclude_self))
    if k < 1:
        raise UserError("There is no sample to be a neighbour: the labelled training split is empty. Give it samples.")
    base = normalize(base, dim=1)
    step = max(1, _CELLS // len(base))
    indices, cosines = [], []
    for start in range(0, len(query), step):
        similarity = normalize(query[start : start + step], dim=1) @ base.T
        if exclude_self:
            own = torch.arange(len(similarity), device=base.device)
            similarity[own, own + start] = -torch.inf
        best = similarity.topk(k, dim=1)
        indices.append(best.indices)
        cosines.append(best.values)
    if not indices:
        return torch.zeros(0, k, dtype=torch.int64, device=base.device), base.new_zeros(0, k)
    return torch.cat(indices), torch.cat(cosines)


def vote(
    cosines: Float[Tensor, "queries k"],
    labels: Float[Tensor, "queries k ..."],
    classes: int,
    temperature: float | None,
) -> Float[Tensor, "queries outputs"]:
    """Share of the vote per class (Q, classes), from neighbours' labels (Q, k); or per label from (Q, k, L) with NaN.

    A neighbour weighs exp(cosine / temperature), or 1 where ``temperature`` is None (majority; of classes with equal
    votes the first wins, as in scikit-learn). A label that no neighbour knows is NaN.
    """
    if temperature is None:
        weight = torch.ones_like(cosines)
    else:  # the largest cosine is subtracted so that no weight overflows
        weight = ((cosines - cosines.amax(1, keepdim=True)) / temperature).exp()
    if labels.ndim == 2:
        soft = classes == 2  # a label between no and yes votes for both
        ballots = torch.stack([1 - labels, labels], 2) if soft else one_hot(labels.long(), classes).to(weight)
        return torch.einsum("qk,qkc->qc", weight, ballots) / weight.sum(1, keepdim=True)
    known = ~labels.isnan()
    return (weight[..., None] * labels.nan_to_num()).sum(1) / (weight[..., None] * known).sum(1)


def predict(
    query: Float[Tensor, "queries dim"],
    base: Float[Tensor, "base dim"],
    labels: Float[Tensor, "base ..."],
    classes: int = 0,
    *,
    k: int = 20,
    temperature: float | None = 0.07,
    exclude_self: bool = False,
) -> Float[Tensor, "queries outputs"]:
    """Probabilities (Q, classes) from class labels (N,), or (Q, L) from multi-label ones (N, L); NaN = unknown. See ``predictions``."""
    (found,) = predictions(query, base, labels, classes, ks=(k,), temperature=temperature, exclude_self=exclude_self)
    return found


def predictions(
    query: Float[Tensor, "queries dim"],
    base: Float[Tensor, "base dim"],
    labels: Float[Tensor, "base ..."],
    classes: int = 0,
    *,
    ks: Sequence[int],
    temperature: float | None = 0.07,
    exclude_self: bool = False,
) -> list[Float[Tensor, "queries outputs"]]:
    """What ``predict`` answers for each number of neighbours in ``ks``; the neighbours are looked for once.

    Rows of ``base`` without any known label do not vote. Where no neighbour knows a label, its share of the base is
    answered (NaN where the base does not know it either). ``classes`` is needed for class labels only.
    """
    known = ~labels.isnan() if labels.ndim == 1 else ~labels.isnan().all(1)
    if exclude_self and not bool(known.all()):
        raise ValueError("exclude_self needs every label known, so that query and base stay the same rows.")
    base, labels = base[known], labels[known].to(base.dtype)
    index, cosines = neighbours(query, base, max(ks), exclude_self=exclude_self)
    found = []
    for k in ks:
        shares = vote(cosines[:, :k], labels[index[:, :k]], classes, temperature)
        found.append(shares if labels.ndim == 1 else torch.where(shares.isnan(), labels.nanmean(0), shares))
    return found
