"""Facility location on a neighbour graph: how well a set stands for everything, and what each further member would add.

f(S) = sum over i of max over j in S of s(i, j), with s(i, i) = 1 and s = 0 where i and j are no neighbours. f grows with S and has diminishing
returns, so that the greedy choice reaches 1 - 1/e of the best possible (Nemhauser, Wolsey and Fisher, Mathematical Programming 14, 1978), and a
gain known from before bounds the gain now (Minoux, "Accelerated greedy algorithms", 1978).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 16
"""Rows whose gains are computed at a time."""


class Cover:
    """What is covered of a graph's vertices, each from 0 to 1. ``total``: how much of all, which is f of the set chosen so far."""

    def __init__(self, rows: NDArray[np.integer], distances: NDArray[np.float32]) -> None:
        """``rows``, ``distances`` (N, k) of each vertex's neighbours. Two are neighbours when either names the other; s = exp(-distance / mean)."""
        from scipy.sparse import csr_array

        n, k = rows.shape
        scale = float(distances.mean(dtype=np.float64)) if distances.size else 0.0
        like = np.exp(-distances / np.float32(scale or 1.0)).ravel()
        directed = csr_array((like, rows.ravel(), np.arange(0, n * k + 1, max(k, 1))[: n + 1] if k else np.zeros(n + 1, int)), shape=(n, n))
        both = directed.maximum(directed.T).tocsr()
        both.sort_indices()
        self._first, self._to, self._like = both.indptr, both.indices, both.data
        self.covered = np.zeros(n)
        self.total = 0.0

    def gains(self, rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """``(n,)``: by how much f would grow with each of ``rows``. Never more than it was before something was added, in floating point too."""
        found = np.empty(len(rows))
        for start in range(0, len(rows), _BLOCK):
            some = np.asarray(rows[start : start + _BLOCK])
            edges, of = self._edges(some)
            more = np.maximum(self._like[edges] - self.covered[self._to[edges]], 0)
            found[start : start + _BLOCK] = np.bincount(of, more, len(some)) + np.maximum(1 - self.covered[some], 0)
        return found

    def add(self, row: int) -> NDArray[np.int64]:
        """``row`` joins the set; returns the vertices (m,) whose gains may have become less."""
        edges = slice(self._first[row], self._first[row + 1])
        near, like = np.append(self._to[edges], row), np.append(self._like[edges], 1.0)
        better = like > self.covered[near]
        changed = near[better]
        self.total += float((like[better] - self.covered[changed]).sum())
        self.covered[changed] = like[better]
        return np.unique(np.concatenate([changed, self._to[self._edges(changed)[0]]])).astype(np.int64)

    def lazily(self, free: NDArray[np.bool_]) -> Iterator[tuple[int, float]]:
        """The greedy choice among ``free`` (N,), one by one with its gain, of equal ones the first. Each is added when the next is asked for."""
        rows = np.flatnonzero(free)
        heap = list(zip((-self.gains(rows)).tolist(), rows.tolist(), strict=True))
        heapq.heapify(heap)
        while heap:
            _, row = heap[0]
            gain = float(self.gains(np.asarray([row]))[0])
            if (-gain, row) <= min(heap[1:3], default=(np.inf, 0)):  # the next best is a child of the heap's root
                heapq.heappop(heap)
                yield row, gain
                self.add(row)
            else:
                heapq.heapreplace(heap, (-gain, row))

    def _edges(self, rows: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places of all edges of ``rows``, and which of ``rows`` each belongs to."""
        first = self._first[rows].astype(np.int64)
        counts = self._first[rows + 1] - first
        of = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
        return first[of] + within, of
