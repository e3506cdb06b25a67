"""Every random number of Vesalius: Philox4x32-10, vectorised in numpy, keyed by what is drawn and not by when.

A draw is a pure function of (seed, epoch, sample id, draw, view, operation), so that batch composition, number of
processes, number of workers and resumption change nothing. Salmon et al., "Parallel random numbers: as easy as
1, 2, 3", SC 2011.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = 0x9E3779B9, 0xBB67AE85
_MASK, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def digest64(*parts: str | int | bytes) -> int:
    """A 64-bit hash of ``parts``, the same on every machine and in every Python process."""
    state = blake2b(digest_size=8)
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        state.update(len(data).to_bytes(8, "little") + data)
    return int.from_bytes(state.digest(), "little")


def digests64(parts: Sequence[str | int | bytes], last: Iterable[str]) -> NDArray[np.uint64]:
    """``digest64(*parts, text)`` for each text of ``last``: about a million a second."""
    start = blake2b(digest_size=8)
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        start.update(len(data).to_bytes(8, "little") + data)
    copy, out = start.copy, bytearray()
    for text in last:
        state, data = copy(), text.encode()
        state.update(len(data).to_bytes(8, "little") + data)
        out += state.digest()
    return np.frombuffer(bytes(out), "<u8").astype(np.uint64)


@lru_cache(maxsize=4096)
def _key(seed: int, epoch: int, operation: str) -> tuple[int, int]:
    key = digest64("philox", seed, epoch, operation)
    return key & 0xFFFFFFFF, key >> 32


def philox4x32(counter: NDArray[np.uint64], key: tuple[int, int]) -> NDArray[np.uint64]:
    """Ten rounds of Philox4x32 on ``counter`` (..., 4) of 32-bit words held in uint64; returns the same shape."""
    c0, c1, c2, c3 = (counter[..., i] for i in range(4))
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * _MULTIPLIER_0, c2 * _MULTIPLIER_1
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ np.uint64(k0), p1 & _MASK, (p0 >> _HALF) ^ c3 ^ np.uint64(k1), p0 & _MASK
        k0, k1 = (k0 + _WEYL_0) & 0xFFFFFFFF, (k1 + _WEYL_1) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=-1)


def uniform(
    seed: int,
    epoch: int,
    ids: NDArray[np.uint64],
    operation: str,
    n: int,
    *,
    view: int = 0,
    draw: NDArray[np.int64] | int = 0,
) -> NDArray[np.float64]:
    """``(B, n)`` numbers in [0, 1) for samples ``ids`` (B,); ``draw`` counts repeated draws of one sample (B,) or int."""
    blocks = -(-n // 4)
    ids = np.asarray(ids).astype(np.uint64, copy=False)
    counter = np.empty((len(ids), blocks, 4), np.uint64)
    counter[..., 0] = (ids & _MASK)[:, None]
    counter[..., 1] = (ids >> _HALF)[:, None]
    counter[..., 2] = np.broadcast_to(np.asarray(draw, np.uint64) << np.uint64(16) | np.uint64(view), len(ids))[:, None]
    counter[..., 3] = np.arange(blocks, dtype=np.uint64)
    words = philox4x32(counter, _key(seed, epoch, operation)).reshape(len(ids), blocks * 4)[:, :n]
    return words.astype(np.float64) * 2.0**-32


def permutation(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    """``(n,)``: the order in which ``n`` samples are seen in ``epoch``: a pure function of its arguments."""
    key = digest64("permutation", seed, epoch)
    return np.random.Generator(np.random.Philox(key=key)).permutation(n)


def generator(*parts: str | int) -> np.random.Generator:
    """A numpy generator keyed by ``parts``, for what is drawn once: splits, bootstrap, sub-samples."""
    return np.random.Generator(np.random.Philox(key=digest64("generator", *parts)))


def torch_seed(*parts: str | int) -> int:
    """A seed for torch's own generators (initial weights, dropout), in the range torch accepts."""
    return digest64("torch", *parts) & 0x7FFFFFFFFFFFFFFF
