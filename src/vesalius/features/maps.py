"""Feature maps of a set of records, in half precision, kept on disk: each image forwarded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vesalius.data.record_store import RecordStore
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.saving import weights_hash
from vesalius.errors import UserError
from vesalius.features.cache import Cache
from vesalius.features.mapped import Mapped
from vesalius.features.one_pass import blocks, evaluation_views
from vesalius.features.records import prepared

_SHARD = 1 << 27
"""Bytes computed between two shards: what is held in memory, and what a killed process loses at most."""


def maps(
    encoder: Encoder,
    store: RecordStore,
    rows: NDArray[np.int64],
    *,
    batch_size: int = 64,
    device: torch.device | str = "cpu",
    autocast: torch.dtype | None = None,
    progress: Callable[[int, int], None] | None = None,
    weights: str = "",
) -> Mapped:
    """``(N, D, *spatial)`` maps of records ``rows`` (N,), left on disk; arguments as in ``features.compute``.

    Raises UserError for volumes that are read as several tiles, whose maps do not fit together.
    """
    views = evaluation_views(encoder)
    count, _ = next(iter(views.makes.values()))
    if count > 1:
        raise UserError(f"{encoder.card.architecture} reads a volume as {count} tiles, which have no common feature map. Use a protocol of pooled features.")
    precision = "fp32" if autocast is None else str(autocast).removeprefix("torch.")
    kept = Cache.of(encoder, views.config(), "map", f"{precision} fp16", "", prepared(store.settings), weights or weights_hash(encoder))
    digests = store.digests[rows]
    _, found = kept.locate(digests)
    _, first = np.unique(np.where(found, "", digests), return_index=True)
    new = np.sort(first[~found[first]])
    shard: list[Any] = []
    done = held = 0
    for part in blocks(encoder, store, rows[new], views, device=device, autocast=autocast, layer="map", batch_size=batch_size):
        shard.append(part.half().cpu())
        held += shard[-1].nbytes
        if held >= _SHARD:
            done, held = _add(kept, digests[new], shard, done), 0
        if progress is not None:
            progress(len(rows) - len(new) + done + sum(map(len, shard)), len(rows))
    if shard:
        _add(kept, digests[new], shard, done)
    mapped, found = kept.locate(digests)
    assert mapped is not None
    assert found.all()
    return mapped


def _add(cache: Cache, digests: NDArray[Any], shard: list[Any], done: int) -> int:
    """Write what is held and let it go; how many rows are on disk then."""
    values = torch.cat(shard)
    cache.add(digests[done : done + len(values)], values)
    shard.clear()
    return done + len(values)
