"""A choice among vectors that leaves none nearer to another than a distance: exact, without measuring every pair in full.

A projection shortens every distance or leaves it, so pairs that are far apart along the few axes of largest variance are far apart. Products of blocks in
these axes sort out who may be near, with a margin for rounding; what they leave is measured by differences in double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.measures.distances import CELLS, Index, Rows, between, slices

Progress = Callable[[int, int], None]
_AXES = 32
_SAMPLE = 4096
"""Rows by which the axes are found."""


@dataclass(frozen=True)
class Thinned:
    """``kept`` (N,). ``of`` (N,): for a row that is not kept a kept row nearer than the distance, and ``apart`` (N,) how near; -1 and NaN for all others."""

    kept: NDArray[np.bool_]
    of: Index
    apart: NDArray[np.float64]


def thinned(
    vectors: NDArray[Any],
    distance: float,
    *,
    stay: Index | None = None,
    among: Index | None = None,
    device: torch.device | str = "cpu",
    progress: Progress = lambda done, total: None,
) -> Thinned:
    """Of rows ``among`` (by default all), in their order, those of ``vectors`` (n, d) kept that are nearer than ``distance`` to no row kept before.

    Rows ``stay`` are kept, and before all others. No two kept rows are nearer than ``distance`` then, but for those that stay; each row that
    is not kept has one that stands for it.
    """
    stay = np.empty(0, np.int64) if stay is None else stay
    among = np.setdiff1d(np.arange(len(vectors)), stay) if among is None else among
    sieve = _Sieve(vectors, distance, device)
    kept, of, distances = np.zeros(len(vectors), bool), np.full(len(vectors), -1, np.int64), np.full(len(vectors), np.nan)
    kept[stay] = True
    sieve.hold(stay)
    for some in slices(len(among)):
        here = among[some]
        for first, second, apart in sieve.near(here):
            order = np.lexsort((second, apart, first))
            new = order[np.unique(first[order], return_index=True)[1]]  # the nearest of each
            better = ~(distances[first[new]] <= apart[new])  # NaN: nothing was found before
            of[first[new][better]], distances[first[new][better]] = second[new][better], apart[new][better]
        left = here[of[here] < 0]
        kept[left] = True
        for row, other, apart_ in sieve.within(left):
            if kept[other] and kept[row]:
                kept[row], of[row], distances[row] = False, other, apart_
        sieve.hold(left[kept[left]])
        progress(some.stop, len(among))
    return Thinned(kept, of, distances)


class _Sieve:
    """Vectors along their main axes, and some rows held to compare others with."""

    def __init__(self, vectors: NDArray[Any], distance: float, device: torch.device | str) -> None:
        self._rows, self._distance = Rows(vectors, device), distance
        self._flat = self._projected()
        self._lengths = self._flat.square().sum(1)
        unit, long = torch.finfo(torch.float32).eps / 2, self._rows.lengths.sqrt()
        off = 16 * vectors.shape[1] ** 0.5 * unit * long  # what rounding adds to a projection
        self._near = (distance + off).square() + 2 * self._rows.slack(torch.full_like(long, distance**2), self._rows.lengths)
        self._room = self._flat.new_empty(0)
        self._numbers = np.empty(0, np.int64)
        self._held = (self._flat[:0], self._lengths[:0])

    def _projected(self) -> Tensor:
        dim = self._rows.vectors.shape[1]
        if dim <= _AXES:
            return torch.cat([self._rows.block(some) for some in slices(len(self._rows))] or [self._rows.block(slice(0, 0))])
        sample = self._rows.block(np.unique(np.linspace(0, len(self._rows) - 1, min(_SAMPLE, len(self._rows))).astype(np.int64))).cpu().double()
        axes = torch.linalg.eigh(sample.T @ sample).eigenvectors[:, -_AXES:].to(self._rows.device, torch.float32)
        flat = torch.empty(len(self._rows), _AXES, device=self._rows.device)
        for some in slices(len(self._rows)):
            torch.mm(self._rows.block(some, passing=True), axes, out=flat[some])
        return flat

    def hold(self, numbers: Index) -> None:
        """Compare others with these rows too."""
        at = self._rows.index(numbers)
        self._numbers = np.concatenate([self._numbers, numbers])
        self._held = (torch.cat([self._held[0], self._flat[at]]), torch.cat([self._held[1], self._lengths[at]]))

    def near(self, numbers: Index) -> list[tuple[Index, Index, NDArray[np.float64]]]:
        """Pairs of ``numbers`` and rows that are held, nearer than the distance."""
        flat, lengths = self._held
        at = self._rows.index(numbers)
        block, room = self._flat[at], (self._near - self._lengths)[at]
        found = []
        for some in slices(len(flat), max(1, CELLS // max(1, len(numbers)))):
            wanted = len(block) * (some.stop - some.start)
            if len(self._room) < wanted:
                self._room = torch.empty(wanted, device=block.device)  # fresh pages for each block would cost as much as the product
            apart = torch.addmm(lengths[some], block, flat[some].T, alpha=-2, out=self._room[:wanted].view(len(block), -1))
            hit = (apart.amin(1) < room).nonzero()[:, 0]
            pairs = (apart[hit] < room[hit, None]).nonzero()
            if len(pairs):
                first, place = numbers[hit[pairs[:, 0]].cpu().numpy()], pairs[:, 1].cpu().numpy() + some.start
                found.append(self._measured(first, self._numbers[place]))
        return found

    def within(self, numbers: Index) -> list[tuple[int, int, float]]:
        """Pairs among ``numbers``, a later one first, in their order."""
        at = self._rows.index(numbers)
        block, lengths = self._flat[at], self._lengths[at]
        apart = torch.addmm(lengths, block, block.T, alpha=-2)
        pairs = (apart < (self._near - self._lengths)[at][:, None]).tril(-1).nonzero().cpu().numpy()
        first, second, distances = self._measured(numbers[pairs[:, 0]], numbers[pairs[:, 1]])
        return list(zip(first.tolist(), second.tolist(), distances.tolist(), strict=True))

    def _measured(self, first: Index, second: Index) -> tuple[Index, Index, NDArray[np.float64]]:
        apart = np.sqrt(between(self._rows.vectors, first, second))
        near = apart < self._distance
        return first[near], second[near], apart[near]
