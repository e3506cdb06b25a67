"""Feature maps of a set of records, in half precision, kept on disk: each image forwarded once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.record_store import RecordStore
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.saving import weights_hash
from vesalius.errors import UserError
from vesalius.features.compute import cache_of, stored
from vesalius.features.mapped import Mapped
from vesalius.features.one_pass import blocks, evaluation_views, precision_of

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
    half: bool = False,
    weights: str = "",
) -> Mapped:
    """``(N, D, *spatial)`` maps of records ``rows`` (N,), left on disk; arguments as in ``features.compute``.

    The pooled vectors of the same pass are kept too (``half``: in 16 bits), so that ``compute`` forwards none of these records again.
    Raises UserError for volumes that are read as several tiles, whose maps do not fit together.
    """
    views = evaluation_views(encoder)
    count, _ = next(iter(views.makes.values()))
    if count > 1:
        raise UserError(f"{encoder.card.architecture} reads a volume as {count} tiles, which have no common feature map. Use a protocol of pooled features.")
    weights, precision = weights or weights_hash(encoder), precision_of(autocast)
    kept = cache_of(encoder, store, views, "map", precision, half=True, weights=weights)
    pooled = cache_of(encoder, store, views, "pooled", precision, half=half, weights=weights)
    digests = store.digests[rows]
    _, found = kept.locate(digests)
    _, first = np.unique(np.where(found, "", digests), return_index=True)
    new = np.sort(first[~found[first]])
    shard: list[Tensor] = []
    vectors: list[Tensor] = []
    done = held = 0
    several = blocks(
        encoder, store, rows[new], views, device=device, autocast=autocast, layer="map", batch_size=batch_size, beside=lambda v: vectors.append(v.cpu())
    )
    for part in several:
        shard.append(part.half().cpu())
        held += shard[-1].nbytes
        if held >= _SHARD or done + sum(map(len, shard)) == len(new):
            some = digests[new][done : done + sum(map(len, shard))]
            kept.add(some, torch.cat(shard))
            pooled.add(some, stored(torch.cat(vectors), half))
            done, held = done + len(some), 0
            shard.clear()
            vectors.clear()
        if progress is not None:
            progress(len(rows) - len(new) + done + sum(map(len, shard)), len(rows))
    mapped, found = kept.locate(digests)
    assert mapped is not None
    assert found.all()
    return mapped
