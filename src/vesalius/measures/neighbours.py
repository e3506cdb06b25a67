"""The exact k nearest neighbours by Euclidean distance, of more vectors than memory need hold.

``measures.knn`` votes by cosine among the samples of one evaluation, which are tensors; this looks among the vectors of a whole pool,
which may be a memory-mapped file of half precision, and answers a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_ROWS, _COLUMNS = 2048, 8192
"""Distances held at a time: 64 MB in single precision, whatever the number of vectors."""
_SPARE = 8
"""Neighbours found beyond those asked for: a matrix product errs by some 1e-6 of the squared lengths, so the last few may change places."""

Progress = Callable[[int, int], None]


def nearest(
    base: NDArray[Any],
    k: int,
    *,
    queries: NDArray[Any] | None = None,
    device: torch.device | str = "cpu",
    progress: Progress = lambda done, total: None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """``(Q, k)`` rows of ``base`` (N, D) nearest to each of ``queries`` (Q, D), nearest first, with their distances.

    Without ``queries`` those are the rows of ``base`` themselves, and a row is not its own neighbour (another that equals it is, at distance 0).
    ``k`` is cut to what there is. float32 or float16, memory maps are read block by block; distances are of the differences themselves, in single
    precision, so that equal vectors are at 0; of equally near rows the first stands first. Rows that rounding cannot tell apart at the last place
    may stand for each other, the same in each call. ``progress`` is told the queries done. Raises ValueError where ``k`` or the dimensions do not fit.
    """
    own = queries is None
    queries = base if queries is None else queries
    if base.ndim != 2 or queries.ndim != 2 or base.shape[1] != queries.shape[1]:
        raise ValueError(f"{queries.shape} cannot be compared with {base.shape}")
    if k < 1:
        raise ValueError("k is at least 1")
    k = min(k, len(base) - own)
    rows, distances = np.empty((len(queries), max(k, 0)), np.int32), np.empty((len(queries), max(k, 0)), np.float32)
    if k < 1 or not len(queries):
        return rows, distances
    mean = centre(base)
    for start in range(0, len(queries), _ROWS):
        some = slice(start, start + _ROWS)
        found = _candidates(loaded(queries, some, mean, device), base, mean, min(k + _SPARE, len(base) - own), start if own else None)
        place, apart = _refined(loaded(queries, some, 0, device), base, found, k)
        rows[some], distances[some] = place.cpu().numpy(), apart.cpu().numpy()
        progress(min(start + _ROWS, len(queries)), len(queries))
    return rows, distances


def centre(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """``(D,)`` their mean, taken block by block: what is subtracted before products are made, so that less is lost in them."""
    total = np.zeros(vectors.shape[1])
    for some in slices(len(vectors)):
        total += np.asarray(vectors[some], np.float32).sum(0, dtype=np.float64)
    return np.asarray(total / max(1, len(vectors)), np.float32)


def slices(rows: int, step: int = _COLUMNS) -> Iterator[slice]:
    """Blocks of ``rows``."""
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))


def loaded(vectors: NDArray[Any], rows: slice | NDArray[Any], mean: NDArray[np.float32] | int, device: torch.device | str) -> Tensor:
    """``rows`` of ``vectors`` less ``mean``, in single precision on ``device``."""
    return torch.from_numpy(np.asarray(vectors[rows], np.float32) - mean).to(device)


def squared(block: Tensor, columns: Tensor) -> Tensor:
    """``(B, C)`` squared distances less the squared lengths of ``block``, which do not change what is nearest in a row."""
    return torch.addmm((columns * columns).sum(1), block, columns.T, alpha=-2)


def _candidates(block: Tensor, base: NDArray[Any], mean: NDArray[np.float32], k: int, own: int | None) -> Tensor:
    """``(B, k)`` rows of ``base`` near ``block``, whose rows are those from ``own`` on."""
    best = torch.full((len(block), k), torch.inf, device=block.device)
    rows = torch.zeros((len(block), k), dtype=torch.int64, device=block.device)
    for some in slices(len(base)):
        apart = squared(block, loaded(base, some, mean, block.device))
        if own is not None and own < some.stop and own + len(block) > some.start:
            at = torch.arange(max(own, some.start), min(own + len(block), some.stop), device=block.device)
            apart[at - own, at - some.start] = torch.inf
        near, place = apart.topk(min(k, apart.shape[1]), dim=1, largest=False, sorted=False)
        best, kept = torch.cat([best, near], 1).topk(k, dim=1, largest=False, sorted=False)
        rows = torch.cat([rows, place + some.start], 1).gather(1, kept)
    return rows


def _refined(block: Tensor, base: NDArray[Any], found: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` nearest of ``found`` by the differences themselves, in order, ties by row."""
    found = found.sort(1).values
    apart = torch.empty(found.shape, device=block.device)
    step = max(1, _ROWS * _COLUMNS // (4 * found.shape[1] * block.shape[1]))
    for some in slices(len(block), step):
        which, back = torch.unique(found[some], return_inverse=True)
        near = loaded(base, which.cpu().numpy(), 0, block.device)[back]
        apart[some] = torch.linalg.vector_norm(near - block[some, None], dim=2)
    apart, order = apart.sort(stable=True, dim=1)
    return found.gather(1, order)[:, :k], apart[:, :k]
