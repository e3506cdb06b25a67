"""Features of a set of records: from the cache where they are known, by one pass where not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.record_store import RecordStore
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.saving import weights_hash
from vesalius.features.cache import Cache
from vesalius.features.one_pass import Project, blocks, evaluation_views, precision_of
from vesalius.features.records import prepared
from vesalius.views.pipeline import Views

_SHARD = 8192
"""Rows computed between two shards: what a killed process loses at most."""


@dataclass(frozen=True)
class Features:
    """``vectors`` (N, D) float32 with ``ids`` (N,) uint64 of their samples; ``labels`` by name (N,), NaN unknown.

    ``layer`` and ``encoder_hash`` say what made them; ``splits`` (N,) names each row's split, where there are splits.
    ``computed``: rows that had to be computed, the rest came from the cache.
    """

    vectors: Float[Tensor, "samples dim"]
    ids: NDArray[np.uint64]
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    layer: str = "pooled"
    encoder_hash: str = ""
    splits: NDArray[np.object_] | None = None
    computed: int = 0

    def __len__(self) -> int:
        return len(self.vectors)

    def of(self, split: str) -> Features:
        """The rows of one split."""
        if self.splits is None:
            raise KeyError(f"these features have no splits, so no {split!r}")
        at = np.flatnonzero(self.splits == split)
        rows = torch.from_numpy(at)
        labels = {name: values[rows] for name, values in self.labels.items()}
        return Features(self.vectors[rows], self.ids[at], labels, self.layer, self.encoder_hash, self.splits[at])


def compute(
    encoder: Encoder,
    store: RecordStore,
    rows: NDArray[np.int64],
    *,
    views: Views | None = None,
    layer: str = "pooled",
    project: Project | None = None,
    project_hash: str = "",
    labels: Mapping[str, Tensor] | None = None,
    splits: NDArray[np.object_] | None = None,
    batch_size: int = 256,
    device: torch.device | str = "cpu",
    autocast: torch.dtype | None = None,
    progress: Callable[[int, int], None] | None = None,
    cache: bool = True,
    half: bool = False,
    weights: str = "",
) -> Features:
    """Features of records ``rows`` (N,) of ``store``, on the CPU; arguments as in ``features.blocks``.

    ``cache``: look rows up by record digest and keep new ones; False where weights change between calls (monitors).
    ``project_hash`` tells projectors apart in the cache. ``half``: kept with 16 bits, half the disk; what is returned is rounded so from the
    first time on. ``weights``: the encoder's hash where it is known. Several ranks: each calls it with its own rows.
    """
    views, weights = views or evaluation_views(encoder), weights or weights_hash(encoder)
    digests = store.digests[rows]
    kept: Cache | None = None
    known: Tensor | None = None
    found = np.zeros(len(rows), bool)
    if cache:
        precision = precision_of(autocast)
        kept = cache_of(encoder, store, views, layer, precision, half=half, weights=weights, extra=project_hash)
        known, found = kept.find(digests)
    _, first = np.unique(np.where(found, "", digests), return_index=True)
    new = np.sort(first[~found[first]])
    parts: list[Tensor] = []
    done = 0
    for start in range(0, len(new), _SHARD):
        some = new[start : start + _SHARD]
        shard: list[Tensor] = []
        for part in blocks(
            encoder, store, rows[some], views,
            device=device, autocast=autocast, layer=layer, project=project, batch_size=batch_size,
        ):  # fmt: skip
            shard.append(stored(part, half).float().cpu())
            done += len(part)
            if progress is not None:
                progress(len(rows) - len(new) + done, len(rows))
        parts.append(torch.cat(shard))
        if kept is not None:
            kept.add(digests[some], stored(parts[-1], half))
    vectors = _assemble(known, parts, digests, found, new, encoder.card.dim)
    return Features(vectors, store.ids[rows], labels or {}, layer, weights, splits, len(new))


def cache_of(encoder: Encoder, store: RecordStore, views: Views, layer: str, precision: str, *, half: bool, weights: str, extra: str = "") -> Cache:
    """Where rows of ``layer`` are kept, with 16 bits where ``half``."""
    return Cache.of(encoder, views.config(), layer, precision + (" fp16" if half else ""), extra, prepared(store.settings), weights)


def stored(vectors: Tensor, half: bool) -> Tensor:
    """``vectors`` (n, d) as they are kept: 16 bits hold 3 digits, up to 65,504."""
    largest = torch.finfo(torch.float16).max
    return vectors.clamp(-largest, largest).half() if half else vectors


def _assemble(
    known: Tensor | None,
    parts: list[Tensor],
    digests: NDArray[Any],
    found: NDArray[np.bool_],
    new: NDArray[np.int64],
    dim: int,
) -> Tensor:
    """Known and new vectors in the order of ``digests``; a record that occurs twice was computed once."""
    if not parts:
        return known if known is not None else torch.empty(0, dim)
    fresh = torch.cat(parts)
    vectors = known if known is not None else torch.empty(len(digests), fresh.shape[1])
    order = np.argsort(digests[new])
    missing = np.flatnonzero(~found)
    at = order[np.searchsorted(digests[new], digests[missing], sorter=order)]
    vectors[torch.from_numpy(missing)] = fresh[torch.from_numpy(at)]
    return vectors
