"""The exact k nearest neighbours by Euclidean distance, of more vectors than memory need hold.

``measures.knn`` votes by cosine among the samples of one evaluation, which are tensors; this looks among the vectors of a whole pool,
which may be a memory-mapped file of half precision, and answers a graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.measures.distances import slices

_BLOCK, _ROWS = 2048, 1024
"""Vectors read at a time, and how many of them are compared with a block at once: 8 MB of distances, which stay in a processor's cache."""
_TOGETHER = 16
"""Columns whose least distance is compared first: most of them hold nothing near."""
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
    best = _Best(len(queries), min(k + _SPARE, len(base) - own), device)
    _search(queries, base, own, best, progress)
    for some in slices(len(queries), _ROWS):
        place, apart = _refined(loaded(queries, some, 0, device), base, best.rows[some], k)
        rows[some], distances[some] = place.cpu().numpy(), apart.cpu().numpy()
    progress(len(queries), len(queries))
    return rows, distances


def centre(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """``(D,)`` their mean, taken block by block: what is subtracted before products are made, so that less is lost in them."""
    total = np.zeros(vectors.shape[1])
    for some in slices(len(vectors), _BLOCK):
        total += np.asarray(vectors[some], np.float32).sum(0, dtype=np.float64)
    return np.asarray(total / max(1, len(vectors)), np.float32)


def loaded(vectors: NDArray[Any], rows: slice | NDArray[Any], mean: NDArray[np.float32] | int, device: torch.device | str) -> Tensor:
    """``(m, d)``: the m ``rows`` of ``vectors`` (n, d) less ``mean`` (d,), in single precision on ``device``."""
    return torch.from_numpy(np.asarray(vectors[rows], np.float32) - mean).to(device)


def squared(block: Tensor, columns: Tensor) -> Tensor:
    """``(B, C)`` squared distances less the squared lengths of ``block``, which do not change what is nearest in a row."""
    return torch.addmm((columns * columns).sum(1), block, columns.T, alpha=-2)


class _Best:
    """The least distances offered so far, and whose they are, for each of ``n`` rows."""

    def __init__(self, n: int, k: int, device: torch.device | str) -> None:
        self.apart = torch.full((n, k), torch.inf, device=device)
        self.rows = torch.zeros((n, k), dtype=torch.int32, device=device)
        self._limit = torch.full((n,), torch.inf, device=device)

    def offer(self, start: int, apart: Tensor, first: int) -> None:
        """``apart`` (B, C): of rows ``start`` ... to columns ``first`` ..."""
        limit = self._limit[start : start + len(apart)]
        if bool(limit.isinf().any()):  # not filled yet
            near, place = apart.topk(min(self.apart.shape[1], apart.shape[1]), dim=1, largest=False, sorted=False)
            self._keep(torch.arange(start, start + len(apart), device=apart.device), near, place + first)
            return
        row, column = _below(apart, limit)
        if not len(row):
            return
        touched, place, counts = torch.unique_consecutive(row, return_inverse=True, return_counts=True)
        within = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[place]
        near = torch.full((len(touched), int(counts.max())), torch.inf, device=apart.device)
        near[place, within] = apart[row, column]
        whose = torch.zeros(near.shape, dtype=torch.int64, device=apart.device)
        whose[place, within] = column + first
        self._keep(touched + start, near, whose)

    def _keep(self, at: Tensor, near: Tensor, whose: Tensor) -> None:
        both = torch.cat([self.apart[at], near], 1)
        kept, place = both.topk(self.apart.shape[1], dim=1, largest=False, sorted=False)
        self.apart[at], self._limit[at] = kept, kept.amax(1)
        self.rows[at] = torch.cat([self.rows[at], whose.int()], 1).gather(1, place)


def _below(apart: Tensor, limit: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column, in the order of rows, where ``apart`` (B, C) is below the ``limit`` (B,) of its row. The least of several columns are looked at first."""
    if apart.shape[1] % _TOGETHER:
        apart = torch.nn.functional.pad(apart, (0, -apart.shape[1] % _TOGETHER), value=torch.inf)
    groups = apart.view(len(apart), _TOGETHER, -1)
    least = groups.amin(1) if apart.stride(1) == 1 else groups.permute(1, 2, 0).amin(0).T  # memory is read in its order
    row, group = (least < limit[:, None]).nonzero(as_tuple=True)
    which, member = (groups[row, :, group] < limit[row, None]).nonzero(as_tuple=True)
    return row[which], member * groups.shape[2] + group[which]


def _search(queries: NDArray[Any], base: NDArray[Any], own: bool, best: _Best, progress: Progress) -> None:
    """Offer every distance to ``best``. Those of a set to itself are computed once and offered to both."""
    mean, device = centre(base), best.apart.device
    done, total = 0, len(queries) * len(base)
    for rows in slices(len(queries), _BLOCK):
        block = loaded(queries, rows, mean, device)
        lengths = (block * block).sum(1, keepdim=True)
        for columns in slices(len(base), _BLOCK):
            if own and columns.start < rows.start:
                continue
            others = loaded(base, columns, mean, device)
            twice = own and columns.start > rows.start
            for some in slices(len(block), _ROWS):
                apart = squared(block[some], others).add_(lengths[some])
                if own and not twice:
                    at = torch.arange(some.start, some.stop, device=device)
                    apart[at - some.start, at] = torch.inf
                best.offer(rows.start + some.start, apart, columns.start)
                if twice:
                    best.offer(columns.start, apart.T, rows.start + some.start)
                done += (1 + twice) * apart.numel()
                progress(min(len(queries) - 1, len(queries) * done // total), len(queries))


def _refined(block: Tensor, base: NDArray[Any], found: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The ``k`` nearest of ``found`` by the differences themselves, in order, ties by row."""
    found = found.long().sort(1).values
    apart = torch.empty(found.shape, device=block.device)
    step = max(1, _ROWS * _BLOCK // (4 * found.shape[1] * block.shape[1]))
    for some in slices(len(block), step):
        which, back = torch.unique(found[some], return_inverse=True)
        near = loaded(base, which.cpu().numpy(), 0, block.device)[back]
        apart[some] = torch.linalg.vector_norm(near - block[some, None], dim=2)
    apart, order = apart.sort(stable=True, dim=1)
    return found.gather(1, order)[:, :k], apart[:, :k]
