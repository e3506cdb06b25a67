"""Features on disk: one folder per encoder, preprocessing, layer and precision; shards addressed by record digest.

Labels, splits, subsets and added images share every row they have in common. Shards are only ever added, each written
atomically under a name of its own, so several processes may fill one folder. A damaged shard counts for nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.saving import weights_hash
from vesalius.files import atomic_write, cache_folder

VERSION = 1
"""Raised when the code changes what a feature is."""


class Cache:
    """Vectors by record digest, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, encoder: Encoder, views: dict[str, Any], layer: str, precision: str, extra: str = "", prepared: str = "") -> Cache:
        """The cache of what is named; ``extra`` for what else the vectors depend on (a projector's hash), ``prepared`` for what a
        record's address does not say of the numbers that are read (``records.prepared``).
        """
        card = encoder.card
        facts = {
            "version": VERSION,
            "weights": weights_hash(encoder),
            "network": [card.architecture, dict(card.options), card.code],
            "standardised": [card.mean, card.std],
            "views": views,
            "layer": [layer, card.pooling],
            "precision": precision,
            "extra": extra,
        } | ({"prepared": prepared} if prepared else {})
        text = json.dumps(facts, sort_keys=True, default=str)
        return cls(cache_folder() / "features" / hashlib.sha256(text.encode()).hexdigest()[:32])

    def find(self, digests: NDArray[Any]) -> tuple[Tensor | None, NDArray[np.bool_]]:
        """``(n, D)`` vectors of ``digests`` (n,), zero where unknown, and which are known; None where none is."""
        found = np.zeros(len(digests), bool)
        order = np.argsort(digests, kind="stable")
        wanted = digests[order]
        vectors: Tensor | None = None
        for file in sorted(self.folder.glob("*.safetensors")) if self.folder.is_dir() else ():
            shard = _read(file)
            if shard is None:
                continue
            names, values = shard
            if vectors is None:
                vectors = torch.zeros(len(digests), values.shape[1])
            if values.shape[1] != vectors.shape[1]:
                continue
            place = np.argsort(names, kind="stable")
            at = np.minimum(np.searchsorted(names, wanted, sorter=place), len(names) - 1)
            hit = names[place[at]] == wanted
            vectors[torch.from_numpy(order[hit])] = values[torch.from_numpy(place[at[hit]])]
            found[order[hit]] = True
        return (vectors if found.any() else None), found

    def add(self, digests: NDArray[Any], vectors: Tensor) -> None:
        """Add a shard of ``vectors`` (n, D) for ``digests`` (n,), 32 hexadecimal digits each."""
        from safetensors.torch import save

        names = torch.from_numpy(np.array([list(bytes.fromhex(d)) for d in digests], np.uint8).reshape(-1, 16))
        values = vectors.detach().float().cpu().contiguous()
        data = save({"digests": names, "vectors": values}, {"sum": _sum(names, values)})
        atomic_write(self.folder / f"{os.urandom(12).hex()}.safetensors", data)


def _read(file: Path) -> tuple[NDArray[Any], Tensor] | None:
    """Digests and vectors of a shard, or None where it is damaged or vanished."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as shard:
            names, values = shard.get_tensor("digests"), shard.get_tensor("vectors")
            whole = (shard.metadata() or {}).get("sum") == _sum(names, values)
    except (SafetensorError, OSError, ValueError, KeyError):
        return None
    if not whole or not len(names):
        return None
    raw = names.numpy().tobytes().hex()
    return np.array([raw[i : i + 32] for i in range(0, len(raw), 32)], "U32"), values


def _sum(names: Tensor, values: Tensor) -> str:
    state = hashlib.blake2b(names.numpy().tobytes(), digest_size=16)
    state.update(values.numpy().data)
    return state.hexdigest()
