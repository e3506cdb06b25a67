"""Nearest class means in few-shot episodes, all episodes at once from one matrix of features.

Prototypical networks (Snell et al., NeurIPS 2017): a class is the mean of its support's vectors, the smallest squared
Euclidean distance decides. SimpleShot (Wang et al., 2019, there "CL2N"): vectors are centred and scaled to length 1 before
both. Distances come from one matrix product of all vectors with all class means, not from episode after episode.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from vesalius.measures.episodes import Episodes

Variant = Literal["prototypes", "simpleshot"]
Centre = Literal["support", "pool"]
_CELLS = 1 << 24
"""Distances held at a time: 64 MB in single precision."""


def nearest(
    vectors: Float[Tensor, "samples dim"], episodes: Episodes, *, variant: Variant = "prototypes", centre: Centre = "support"
) -> Iterator[tuple[slice, Int[Tensor, "some samples"]]]:
    """Blocks of episodes, and for each the place (0 to way - 1) of the nearest class mean, of every sample (some, N).

    ``centre``: what SimpleShot subtracts, the mean of the episode's support or of all ``vectors``.
    """
    vectors = vectors - vectors.mean(0)  # distances stay, and are exact where all features are far from zero
    way = episodes.support.shape[1]
    step = max(1, _CELLS // (len(vectors) * way))
    if variant == "simpleshot" and centre == "pool":
        vectors = F.normalize(vectors, dim=1)
    for start in range(0, len(episodes), step):
        block = slice(start, start + step)
        support = torch.from_numpy(episodes.support[block]).to(vectors.device)
        if variant == "simpleshot" and centre == "support":
            scores = _centred(vectors, support)
        else:
            means = F.embedding_bag(support.flatten(0, 1), vectors, mode="mean")
            scores = means @ vectors.T - (means**2).sum(1, keepdim=True) / 2
        yield block, _first_best(scores.view(-1, way, len(vectors)))


def _first_best(scores: Float[Tensor, "episodes way samples"]) -> Int[Tensor, "episodes samples"]:
    """``scores.argmax(1)``, the first of equal ones; way by way, which is ten times as fast on a CPU."""
    best, place = scores[:, 0], torch.zeros(len(scores), scores.shape[2], dtype=torch.int64, device=scores.device)
    for number in range(1, scores.shape[1]):
        place.masked_fill_(scores[:, number] > best, number)
        best = torch.maximum(best, scores[:, number])
    return place


def _centred(vectors: Tensor, support: Tensor) -> Tensor:
    """(episodes * way, N): what ranks the classes when each episode's support mean is subtracted and vectors scaled to length 1."""
    way, shot = support.shape[1:]
    middle = F.embedding_bag(support.flatten(1), vectors, mode="mean")
    square = (vectors**2).sum(1)
    length = (square - 2 * middle @ vectors.T + (middle**2).sum(1, keepdim=True)).clamp(min=1e-12).sqrt()
    inverse = 1 / length.gather(1, support.flatten(1)).view(-1, shot)
    means = F.embedding_bag(support.flatten(0, 1), vectors, mode="sum", per_sample_weights=inverse) / shot
    means = means - inverse.mean(1, keepdim=True) * middle.repeat_interleave(way, 0)
    against = means @ vectors.T - (means * middle.repeat_interleave(way, 0)).sum(1, keepdim=True)
    return against / length.repeat_interleave(way, 0) - (means**2).sum(1, keepdim=True) / 2
