"""Greedy k-centre: again and again the row farthest from all that were chosen (Gonzalez 1985; "core-set" in Sener and Savarese, ICLR 2018).

``one_by_one`` is the rule itself: after each choice the distances of all rows to it. ``farthest_first`` makes the same choices, whatever the device and
the number of threads, without looking at most rows most of the time (``farthest_search``). Of equally far rows the first is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vesalius.measures.distances import Centres, Index, Rows, between, slices
from vesalius.measures.farthest_search import Search

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Farthest:
    """``rows`` (n,) in the order of choice. ``nearest`` (n,): of all chosen before each the nearest, of equally near ones the first; -1 where there was none.

    ``distance`` (n,): how far that is, NaN where there was none. ``radius``: how far the farthest row that may be chosen and was not is from all chosen,
    0 where none is left, NaN where nothing was chosen at all.
    """

    rows: Index
    nearest: Index
    distance: NDArray[np.float64]
    radius: float


def one_by_one(
    vectors: NDArray[Any], n: int, *, start: int | None = None, chosen: Index | None = None, allowed: NDArray[np.bool_] | None = None, least: float = 0.0
) -> Farthest:
    """What ``farthest_first`` answers for ``vectors`` (n, d) and ``allowed`` (n,), by its definition.

    Differences to all rows in double precision after each choice.
    """
    given = np.empty(0, np.int64) if chosen is None else np.asarray(chosen, np.int64)
    everything, free = np.arange(len(vectors)), _free(vectors, given, allowed)
    squared, nearest = np.full(len(vectors), np.inf), np.full(len(vectors), -1, np.int64)
    picks: list[tuple[int, int, float]] = []

    def add(row: int) -> None:
        found = between(vectors, everything, row)
        nearer = found < squared
        squared[nearer], nearest[nearer] = found[nearer], row

    for row in given:
        add(int(row))
    while len(picks) < n and free.any():
        first = not len(given) and not picks
        row = (central(vectors, free) if start is None else start) if first else int(np.argmax(np.where(free, squared, -1.0)))
        distance = float(np.sqrt(squared[row]))
        if not first and distance < least:
            break
        picks.append((row, int(nearest[row]), np.nan if first else distance))
        free[row] = False
        add(row)
    radius = float(np.sqrt(squared[free].max(initial=0.0)))
    return _answer(picks, radius if np.isfinite(radius) else np.nan)


def farthest_first(
    vectors: NDArray[Any],
    n: int,
    *,
    start: int | None = None,
    chosen: Index | None = None,
    allowed: NDArray[np.bool_] | None = None,
    least: float = 0.0,
    device: torch.device | str = "cpu",
    progress: Progress = lambda done, total: None,
) -> Farthest:
    """Up to ``n`` rows of ``vectors`` (N, D), each the farthest from all ``chosen`` before; fewer where none is left at a distance of ``least`` or more.

    ``vectors``: finite, float16 to float64, maybe memory-mapped; they are read in blocks. ``chosen``: rows that count as chosen already. Where there is none
    the first row is ``start``, by default ``central``. ``allowed`` (N,): rows that may be chosen.
    """
    given = np.empty(0, np.int64) if chosen is None else np.asarray(chosen, np.int64)
    rows = Rows(vectors, device)
    free = _free(vectors, given, allowed)
    search = Search(rows, given, free, n)
    picks: list[int] = []
    if not len(given) and n > 0 and free.any():
        picks.append(_central(rows, free) if start is None else start)
        search.take(picks[0])
        progress(1, n)
    radius = 0.0 if len(given) + len(picks) else np.nan
    while len(given) + len(picks) and (found := search.farthest(least, exact=len(picks) >= n)) is not None:
        row, distance = found
        if len(picks) >= n or distance < least:
            radius = float(np.sqrt(between(vectors, row, search.centres.numbers).min()))
            break
        search.take(row)
        picks.append(row)
        progress(len(picks), n)
    told = np.asarray(picks, np.int64)
    return Farthest(told, *_earlier(rows, given, told), radius)


def central(vectors: NDArray[Any], allowed: NDArray[np.bool_] | None = None) -> int:
    """The row of ``vectors`` (n, d), where ``allowed`` (n,), nearest to the mean of all rows, of equally near ones the first."""
    return _central(Rows(vectors), np.ones(len(vectors), bool) if allowed is None else allowed)


def _central(rows: Rows, free: NDArray[np.bool_]) -> int:
    lengths, mean = np.where(free, rows.lengths.cpu().numpy(), np.inf), rows.mean.cpu().numpy()
    may = np.flatnonzero(lengths <= lengths.min() + 1e-5 * (lengths.min() + np.square(mean).sum()))
    exact = [np.square(rows.vectors[may[some]].astype(np.float64) - mean).sum(1) for some in slices(len(may))]
    return int(may[np.argmin(np.concatenate(exact))])


def _free(vectors: NDArray[Any], chosen: Index, allowed: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    free = np.ones(len(vectors), bool) if allowed is None else allowed.copy()
    free[chosen] = False
    return free


def nearest_earlier(vectors: NDArray[Any], given: Index, picks: Index) -> tuple[Index, NDArray[np.float64]]:
    """For rows ``picks`` (n,) of ``vectors`` (N, D), in their order: the nearest of ``given`` and of the picks before each, of equally near ones the
    first (-1 where there is none), and how far it is (NaN).
    """
    return _earlier(Rows(vectors), given, picks)


def _earlier(rows: Rows, given: Index, picks: Index) -> tuple[Index, NDArray[np.float64]]:
    nearest, distance = np.full(len(picks), -1, np.int64), np.full(len(picks), np.nan)
    centres = Centres(rows, np.concatenate([given, picks]))
    before = len(given) + np.arange(len(picks))
    if (known := before > 0).any():
        place, squared = centres.settled(picks[known], before[known])
        nearest[known], distance[known] = centres.numbers[place], np.sqrt(squared)
    return nearest, distance


def _answer(picks: list[tuple[int, int, float]], radius: float) -> Farthest:
    rows, nearest, distance = zip(*picks, strict=True) if picks else ((), (), ())
    return Farthest(np.asarray(rows, np.int64), np.asarray(nearest, np.int64), np.asarray(distance, np.float64), radius)
