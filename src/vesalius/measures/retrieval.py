"""What is found by similarity: precision, recall and average precision of the k most similar samples.

Similarity is the cosine. A found sample is relevant where it bears a label of the query: the same class, or for several
labels at least one that both have. Average precision at k is (sum over relevant places r <= k of precision at r) / min(k, relevant
samples there are), so that it is 1 where nothing better could have been found.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize, one_hot

_CELLS = 1 << 24
NAMES = ("map", "precision", "recall")


def measure(
    query: Float[Tensor, "queries dim"],
    gallery: Float[Tensor, "gallery dim"],
    query_labels: Float[Tensor, "queries ..."],
    gallery_labels: Float[Tensor, "gallery ..."],
    ks: Sequence[int],
    *,
    query_subject: Int[Tensor, " queries"],
    gallery_subject: Int[Tensor, " gallery"],
) -> dict[str, Float[Tensor, " queries"]]:
    """``map_at_K``, ``precision_at_K`` and ``recall_at_K`` of each query, on the CPU; NaN where nothing in its gallery is relevant.

    Samples of the query's own subject are no part of its gallery, so that ``query`` may be ``gallery``. ``k`` is cut to the gallery.
    ``labels`` (N,) class numbers or (N, L) of 0 and 1, NaN = unknown = not had.
    """
    gallery = normalize(gallery, dim=1)
    has, asks = _bears(query_labels, gallery_labels)
    parts: dict[str, list[Tensor]] = {f"{name}_at_{k}": [] for k in ks for name in NAMES}
    step = max(1, _CELLS // max(1, len(gallery)))
    for start in range(0, len(query), step):
        some = slice(start, start + step)
        relevant = asks[some] @ has.T > 0
        other = query_subject[some, None] != gallery_subject[None]
        similarity = (normalize(query[some], dim=1) @ gallery.T).masked_fill(~other, -torch.inf)
        best = similarity.topk(min(max(ks), len(gallery)), dim=1)
        hit = relevant.gather(1, best.indices) & (best.values > -torch.inf)
        for name, values in _scored(hit.cpu(), (relevant & other).sum(1).cpu(), other.sum(1).cpu(), ks).items():
            parts[name].append(values)
    return {name: torch.cat(values) for name, values in parts.items()}


def _bears(query: Tensor, gallery: Tensor) -> tuple[Float[Tensor, "gallery labels"], Float[Tensor, "queries labels"]]:
    """0 or 1 for each label of each sample."""
    if query.ndim == 2:
        return (gallery.nan_to_num() > 0.5).float(), (query.nan_to_num() > 0.5).float()
    classes = int(torch.cat([query, gallery]).max()) + 1
    return one_hot(gallery.round().long(), classes).float(), one_hot(query.round().long(), classes).float()


def _scored(hit: Bool[Tensor, "some most"], relevant: Int[Tensor, " some"], there: Int[Tensor, " some"], ks: Sequence[int]) -> dict[str, Tensor]:
    found = hit.double().cumsum(1)
    precision = found / torch.arange(1, hit.shape[1] + 1)
    gains = (precision * hit).cumsum(1)
    none = relevant == 0
    scores = {}
    for k in ks:
        at = min(k, hit.shape[1]) - 1
        scores[f"map_at_{k}"] = gains[:, at] / relevant.clamp(max=k)
        scores[f"precision_at_{k}"] = found[:, at] / there.clamp(max=k)
        scores[f"recall_at_{k}"] = found[:, at] / relevant
    return {name: values.masked_fill(none, torch.nan) for name, values in scores.items()}
