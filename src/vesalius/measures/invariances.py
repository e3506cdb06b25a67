"""How like two vectors are: of an image and its transformed version, of two views of one thing, of two things.

Ericsson, Gouk and Hospedales, "Why Do Self-Supervised Models Transfer? On the Impact of Invariance on Downstream Tasks" (2021), compare in
whitened coordinates. Here they come from other images (``whitening``), and what needs no covariance stands beside them.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vesalius.measures.spectra import Influenced
from vesalius.measures.whitening import Whitening, double

MEASURES = ("whitened_cosine", "mahalanobis", "centred_cosine", "neighbours_kept")


def cosine(a: Float[Tensor, "*rows dim"], b: Float[Tensor, "*rows dim"]) -> Float[Tensor, " *rows"]:
    """The cosine of the angle between vectors, 1 exactly where they are equal."""
    tiny = torch.finfo(a.dtype).tiny
    unit, other = (x / x.norm(dim=-1, keepdim=True).clamp_min(tiny) for x in (a, b))
    found: Tensor = 1 - (unit - other).square().sum(-1) / 2
    return found


def distance(a: Float[Tensor, "*rows dim"], b: Float[Tensor, "*rows dim"]) -> Float[Tensor, " *rows"]:
    """The length of the difference: of whitened vectors Mahalanobis's distance."""
    found: Tensor = (a - b).norm(dim=-1)
    return found


def length(whitened: Float[Tensor, "samples rank"]) -> Float[Tensor, ""]:
    """The root of the mean squared length of whitened vectors: sqrt(rank), where the covariance fits them."""
    return whitened.square().sum(-1).mean().sqrt()


def compared(
    clean: Float[Tensor, "images dim"],
    moved: Float[Tensor, "images settings dim"],
    whitening: Whitening,
    reference: Float[Tensor, "others dim"],
    unit: Float[Tensor, ""],
    k: int,
) -> Float[Tensor, "4 images settings"]:
    """Each of ``MEASURES`` of each image and each of its transformed versions.

    ``mahalanobis`` in units of ``unit``, the length of whitened clean vectors (``length``): 0 for the same vector, 1.41 for two images that
    have nothing to do with each other, whatever the dimension and however well the covariance is known. ``centred_cosine``: less the mean of
    ``reference`` alone. ``neighbours_kept``: of the k images of ``reference`` that are nearest to the clean one by that cosine, the share
    that are among the k nearest to the transformed one.
    """
    to, mean = whitening(moved), whitening.mean
    at = whitening(clean)[:, None].expand_as(to)
    plain = cosine((double(clean) - mean)[:, None].expand_as(moved), double(moved) - mean)
    return torch.stack([cosine(at, to), distance(at, to) / unit, plain, neighbours_kept(clean, moved, reference, mean, k)])


def neighbours_kept(
    clean: Float[Tensor, "images dim"],
    moved: Float[Tensor, "images settings dim"],
    reference: Float[Tensor, "others dim"],
    mean: Float[Tensor, " dim"],
    k: int,
) -> Float[Tensor, "images settings"]:
    """Which share of the k nearest of ``reference`` by centred cosine stay, 0 to 1; ``k`` is cut to what there is."""
    k = min(k, len(reference))
    base = torch.nn.functional.normalize(double(reference) - mean, dim=1)
    images, settings, dim = moved.shape
    before = (torch.nn.functional.normalize(double(clean) - mean, dim=1) @ base.T).topk(k, dim=1).indices
    near: Bool[Tensor, "images others"] = torch.zeros(images, len(base), dtype=torch.bool, device=base.device).scatter_(1, before, True)
    after = ((double(moved).reshape(-1, dim) - mean) @ base.T).topk(k, dim=1).indices.view(images, settings * k)
    return near.gather(1, after).view(images, settings, k).double().mean(2)


def paired(one: Float[Tensor, "pairs rank"], other: Float[Tensor, "pairs rank"], apart: Bool[Tensor, "pairs pairs"]) -> dict[str, Influenced]:
    """What tells views of one thing from views of two, by whitened cosine: pair i is row i of both; ``apart``: whether the first view of i and
    the second of j are of two subjects.

    ``unpaired_cosine``: the mean of the latter. ``pairing_auc``: the probability that a pair is more alike than two views that are none.
    Each with the influence of every pair, as the one view and as the other, so that intervals may draw pairs again.
    """
    size = one.norm(dim=1)[:, None] * other.norm(dim=1)
    alike = (one @ other.T) / size.clamp_min(torch.finfo(one.dtype).tiny)
    own, weight = alike.diagonal(), apart.to(alike.dtype)
    mean = (alike * weight).sum() / weight.sum()
    at_random = [((alike - mean) * weight).sum(axis) for axis in (0, 1)]
    # placement values of DeLong et al. (Biometrics 1988): the share of unpaired ones that a pair is above, and the reverse
    ranks = own.sort().values.contiguous()
    flat = alike.contiguous()
    beaten = 1 - (torch.searchsorted(ranks, flat) + torch.searchsorted(ranks, flat, right=True)).to(alike.dtype) / (2 * len(own))
    others = alike[apart].sort().values.contiguous()
    above = (torch.searchsorted(others, own.contiguous()) + torch.searchsorted(others, own.contiguous(), right=True)).to(alike.dtype) / (2 * len(others))
    auc = above.mean()
    as_views = sum((((beaten - auc) * weight).sum(axis) for axis in (0, 1)), torch.zeros_like(above))
    count = len(own) / weight.sum()
    return {
        "unpaired_cosine": Influenced(float(mean), (at_random[0] + at_random[1]) * count),
        "pairing_auc": Influenced(float(auc), above - auc + as_views * count),
    }
