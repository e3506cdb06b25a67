"""Features on disk: one folder per encoder, preprocessing, layer and precision; shards addressed by record digest.

Labels, splits, subsets and added images share every row they have in common. Shards are only ever added, each written
atomically under a name of its own, so several processes may fill one folder. A damaged shard counts for nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.saving import weights_hash
from vesalius.features.mapped import Mapped
from vesalius.files import atomic_write, cache_folder

VERSION = 1
"""Raised when the code changes what a feature is."""
_THREADS = 4
_WHOLE: set[tuple[str, int, int, str]] = set()
"""Shards whose sum this process has checked: path, time, size and the sum itself. Every split and protocol reads them again."""


_elsewhere: Path | None = None
"""Where features are kept instead, while all are computed again."""


@contextmanager
def afresh() -> Iterator[None]:
    """Inside, no feature of before is known: each is computed again, and forgotten at the end."""
    global _elsewhere
    cache_folder().mkdir(parents=True, exist_ok=True)
    before = _elsewhere
    with TemporaryDirectory(dir=cache_folder(), prefix=".features-") as folder:
        _elsewhere = Path(folder)
        try:
            yield
        finally:
            _elsewhere = before


class Cache:
    """Vectors by record digest, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(
        cls, encoder: Encoder, views: dict[str, Any], layer: str, precision: str, extra: str = "", prepared: str = "", weights: str = ""
    ) -> Cache:
        """The cache of what is named; ``extra`` for what else the vectors depend on (a projector's hash), ``prepared`` for what a
        record's address does not say of the numbers that are read (``records.prepared``). ``weights``: the encoder's hash where it is known.
        """
        card = encoder.card
        facts = {
            "version": VERSION,
            "weights": weights or weights_hash(encoder),
            "network": [card.architecture, dict(card.options), card.code],
            "standardised": [card.mean, card.std],
            "views": views,
            "layer": [layer, card.pooling],
            "precision": precision,
            "extra": extra,
        } | ({"prepared": prepared} if prepared else {})
        text = json.dumps(facts, sort_keys=True, default=str)
        return cls((_elsewhere or cache_folder() / "features") / hashlib.sha256(text.encode()).hexdigest()[:32])

    def find(self, digests: NDArray[Any]) -> tuple[Tensor | None, NDArray[np.bool_]]:
        """``(n, D)`` float32 vectors of ``digests`` (n,), zero where unknown, and which are known; None where none is."""
        rows, found = self.locate(digests)
        if rows is None:
            return None, found
        vectors = torch.zeros(len(digests), *rows.shape[1:])
        vectors[torch.from_numpy(np.flatnonzero(found))] = rows[np.flatnonzero(found)].float()
        return vectors, found

    def locate(self, digests: NDArray[Any]) -> tuple[Mapped | None, NDArray[np.bool_]]:
        """Where the rows of ``digests`` (n,) lie on disk, and which are known; None where none is. Unknown rows cannot be read."""
        found = np.zeros(len(digests), bool)
        which, place = np.zeros(len(digests), np.int64), np.zeros(len(digests), np.int64)
        order = np.argsort(digests, kind="stable")
        wanted = digests[order]
        shards: list[Tensor] = []
        files = sorted(self.folder.glob("*.safetensors")) if self.folder.is_dir() else []
        with ThreadPoolExecutor(min(_THREADS, max(1, len(files))), "vesalius-cache") as pool:
            for shard in pool.map(_read, files):
                if shard is None or (shards and shard[1].shape[1:] != shards[0].shape[1:]):
                    continue
                names, values = shard
                by_name = np.argsort(names, kind="stable")
                at = np.minimum(np.searchsorted(names, wanted, sorter=by_name), len(names) - 1)
                hit = names[by_name[at]] == wanted
                which[order[hit]], place[order[hit]], found[order[hit]] = len(shards), by_name[at[hit]], True
                shards.append(values)
        return (Mapped(shards, which, place) if found.any() else None), found

    def add(self, digests: NDArray[Any], vectors: Tensor) -> None:
        """Add a shard of ``vectors`` (n, ...), in their own precision, for ``digests`` (n,), 32 hexadecimal digits each."""
        from safetensors.torch import save

        names = torch.from_numpy(np.array([list(bytes.fromhex(d)) for d in digests], np.uint8).reshape(-1, 16))
        values = vectors.detach().cpu().contiguous()
        data = save({"digests": names, "vectors": values}, {"sum": _sum(names, values)})
        atomic_write(self.folder / f"{os.urandom(12).hex()}.safetensors", data)


def _read(file: Path) -> tuple[NDArray[Any], Tensor] | None:
    """Digests and vectors, mapped from disk, of a shard; None where it is damaged or vanished."""
    from safetensors import SafetensorError, safe_open

    try:
        state = file.stat()
        with safe_open(file, "pt") as shard:
            names, values = shard.get_tensor("digests"), shard.get_tensor("vectors")
            stated = (shard.metadata() or {}).get("sum", "")
    except (SafetensorError, OSError, ValueError, KeyError):
        return None
    key = (str(file), state.st_mtime_ns, state.st_size, stated)
    if key not in _WHOLE:
        if not len(names) or stated != _sum(names, values):
            return None
        _WHOLE.add(key)
    raw = names.numpy().tobytes().hex()
    return np.array([raw[i : i + 32] for i in range(0, len(raw), 32)], "U32"), values


def _sum(names: Tensor, values: Tensor) -> str:
    state = hashlib.blake2b(names.numpy().tobytes(), digest_size=16)
    state.update(values.numpy().data)
    return state.hexdigest()
