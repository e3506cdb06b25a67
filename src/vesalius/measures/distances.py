"""Euclidean distances between many vectors: products of blocks to find what is near, the differences themselves to say how near.

A matrix product errs, in single precision, by some 1e-6 of the squared lengths: near-duplicates drown in that. So products only sort out who
may be nearest, with a bound of their error, and what is answered is computed from differences in double precision.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Index = NDArray[np.int64]
ROWS = 2048
"""Rows that are read at a time."""
CELLS = 1 << 21
"""Products held at a time: 8 MB in single precision, so that they stay in a processor's cache until the least of each row is taken."""
_SPREAD = 4.0
"""Of rounding: errors of a sum of d products add up like a walk, of a length above 4 sqrt(d) next to never (Higham and Mary, 2019)."""


class Rows:
    """Vectors (N, D), float16 to float64 and maybe memory-mapped, read in blocks less their mean: no distance changes, and rounding is relative to less.

    ``lengths`` (N,): squared, less the mean. ``dtype``: what blocks are read as, single precision, or double after ``widened``.
    On a GPU the vectors are held as they are stored where they fit, else blocks are sent.
    """

    def __init__(self, vectors: NDArray[Any], device: torch.device | str = "cpu") -> None:
        if vectors.ndim != 2:
            raise ValueError(f"Vectors are a matrix, not {vectors.shape}.")
        self.vectors, self.device, self.dtype = vectors, torch.device(device), torch.float32
        with warnings.catch_warnings():  # a memory map that is only to be read is only read
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self._source = torch.from_numpy(np.asarray(vectors))
        if self.device.type == "cuda" and self._source.nbytes < 0.7 * torch.cuda.mem_get_info(self.device)[0]:
            self._source = self._source.to(self.device)
        self.mean = self._mean()
        self.lengths = self._lengths()

    def __len__(self) -> int:
        return len(self.vectors)

    def widened(self) -> None:
        """From now on in double precision."""
        self.dtype = torch.float64
        self.lengths = self._lengths()

    def block(self, rows: Index | slice) -> Tensor:
        """``(B, D)`` some rows less the mean, on the device. ``rows``: a slice, or numbers in any order."""
        if not isinstance(rows, slice):
            unique, back = np.unique(rows, return_inverse=True)  # files are read from front to back
            if len(unique) < len(rows) or not np.array_equal(unique, rows):
                return self.block(unique)[self.index(back)]
            if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
                rows = slice(int(rows[0]), int(rows[-1]) + 1)
        found = self._source[rows] if isinstance(rows, slice) else self._source.index_select(0, torch.from_numpy(rows).to(self._source.device))
        mean = self.mean.to(torch.promote_types(self.dtype, found.dtype))  # of doubles the mean is taken before they are made single
        return (found.to(self.device, mean.dtype) - mean).to(self.dtype)

    def index(self, numbers: Index) -> Tensor:
        """``numbers`` on the device."""
        return torch.from_numpy(np.ascontiguousarray(numbers, np.int64)).to(self.device)

    def slack(self, squared: Tensor, lengths: Tensor) -> Tensor:
        """How much a computed least squared distance may be off, of rows with these squared lengths: the nearest is no longer than both together."""
        unit = torch.finfo(self.dtype).eps / 2
        share = (_SPREAD * self.vectors.shape[1] ** 0.5 / 2 + 4) * unit
        longest: Tensor = 2 * lengths.sqrt() + squared.clamp(min=0).sqrt()
        return share * longest.square()

    def _mean(self) -> Tensor:
        total = torch.zeros(self.vectors.shape[1], dtype=torch.float64, device=self._source.device)
        for some in slices(len(self)):
            total += self._source[some].to(torch.float64).sum(0)
        return (total / max(1, len(self))).to(self.device)

    def _lengths(self) -> Tensor:
        found = torch.empty(len(self), dtype=self.dtype, device=self.device)
        for some in slices(len(self)):
            found[some] = self.block(some).square().sum(1)
        return found


class Centres:
    """Rows ``numbers`` that others are measured against, in the order they came, with their vectors at hand."""

    def __init__(self, rows: Rows, numbers: Index) -> None:
        self.rows, self.numbers = rows, numbers
        self._block = rows.block(numbers)
        self._lengths = self._block.square().sum(1)

    def add(self, number: int) -> None:
        """One more, the last."""
        count = len(self.numbers)
        if count == len(self._block):
            for name in ("_block", "_lengths"):
                held = getattr(self, name)
                setattr(self, name, torch.cat([held, torch.empty((max(64, count), *held.shape[1:]), dtype=held.dtype, device=held.device)]))
        self.numbers = np.append(self.numbers, number)
        self._block[count] = self.rows.block(self.numbers[-1:])[0]
        self._lengths[count] = self._block[count].square().sum()

    @property
    def block(self) -> Tensor:
        """``(n, D)`` their vectors less the mean."""
        return self._block[: len(self.numbers)]

    @property
    def lengths(self) -> Tensor:
        """``(n,)`` the squares of these."""
        return self._lengths[: len(self.numbers)]

    def least(self, block: Tensor, lengths: Tensor, first: int = 0) -> Tensor:
        """``(B,)`` the computed squared distance of each row of ``block`` to the nearest centre from the ``first`` on."""
        best: Tensor | None = None
        step = max(1, CELLS // max(1, len(block)))
        for start in range(first, len(self.numbers), step):
            found = torch.addmm(self.lengths[start : start + step], block, self.block[start : start + step].T, alpha=-2).amin(1)
            best = found if best is None else torch.minimum(best, found)
        return torch.full_like(lengths, torch.inf) if best is None else (best + lengths).clamp_(min=0)

    def settled(self, numbers: Index, before: Index | None = None) -> tuple[Index, NDArray[np.float64]]:
        """For rows ``numbers`` (Q,): which centre is nearest (its place, of equally near ones the first) and the
        squared distance, exact. ``before`` (Q,): only the first so many centres count, at least one.
        """
        place, squared = np.zeros(len(numbers), np.int64), np.empty(len(numbers))
        step = max(1, min(ROWS, CELLS // max(1, len(self.numbers))))
        for start in range(0, len(numbers), step):
            some = slice(start, start + step)
            asked = numbers[some]
            block = self.rows.block(asked)
            lengths = self.rows.lengths[self.rows.index(asked)]
            apart = torch.addmm(self.lengths, block, self.block.T, alpha=-2).add_(lengths[:, None])
            if before is not None:
                late = torch.arange(len(self.numbers), device=apart.device) >= self.rows.index(before[some])[:, None]
                apart.masked_fill_(late, torch.inf)
            least = apart.amin(1)
            may = (apart <= (least + 2 * self.rows.slack(least, lengths))[:, None]).nonzero().cpu().numpy()
            exact = between(self.rows.vectors, asked[may[:, 0]], self.numbers[may[:, 1]])
            order = np.lexsort((may[:, 1], exact, may[:, 0]))
            first = order[np.r_[True, np.diff(may[order, 0]) > 0]]
            place[some], squared[some] = may[first, 1], exact[first]
        return place, squared


def between(vectors: NDArray[Any], first: Index | int, second: Index | int) -> NDArray[np.float64]:
    """``(P,)`` squared distances of pairs of rows, or of one row to many, from their differences in double precision."""
    first, second = np.broadcast_arrays(np.atleast_1d(first), np.atleast_1d(second))
    found = np.empty(len(first))
    step = max(1, CELLS // max(1, vectors.shape[1]))
    for start in range(0, len(first), step):
        some = slice(start, start + step)
        found[some] = np.square(vectors[first[some]].astype(np.float64) - vectors[second[some]].astype(np.float64)).sum(1)
    return found


def nearest_chosen(vectors: NDArray[Any], chosen: Index, device: torch.device | str = "cpu") -> tuple[Index, NDArray[np.float64]]:
    """For each of ``vectors`` (N, D): the row of ``chosen`` (n,), at least one, nearest to it (N,), of equally near ones the first, and how far it is (N,)."""
    if not len(chosen):
        raise ValueError("Nothing is chosen.")
    chosen = np.asarray(chosen, np.int64)
    place, squared = Centres(Rows(vectors, device), chosen).settled(np.arange(len(vectors)))
    return chosen[place], np.sqrt(squared)


def cover_radius(vectors: NDArray[Any], chosen: Index, device: torch.device | str = "cpu") -> float:
    """The distance from the farthest of ``vectors`` to the chosen row nearest to it."""
    return float(nearest_chosen(vectors, chosen, device)[1].max(initial=0.0))


def slices(rows: int, step: int = ROWS) -> Iterator[slice]:
    """Blocks of ``rows``."""
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))
