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
ROWS = 4096
"""Rows that are read at a time."""
CELLS = 1 << 21
"""Products held at a time: 8 MB in single precision, so that they stay in a processor's cache until the least of each row is taken."""
_EXACT = 20_000
"""Rows up to which the mean is taken in double precision."""
_SPREAD = 2.0
"""Of rounding: errors of a sum of d products add up like a walk (Higham and Mary, 2019), whose deviation is at most sqrt(d) / 3; this is six of them."""


class Rows:
    """Vectors (N, D), float16 to float64 and maybe memory-mapped, read in blocks less their mean: no distance changes, and rounding is relative to less.

    ``lengths`` (N,): squared, less the mean. ``dtype``: what blocks are read as, single precision, or double after ``widened``.
    On a GPU the vectors are held as they are stored where they fit, else blocks are sent.
    """

    def __init__(self, vectors: NDArray[Any], device: torch.device | str = "cpu") -> None:
        if vectors.ndim != 2:
            raise ValueError(f"Vectors are a matrix, not {vectors.shape}.")
        self.vectors, self.device, self.dtype = vectors, torch.device(device), torch.float32
        if self.device.type == "mps":  # which knows no double precision
            self.device = torch.device("cpu")
        with warnings.catch_warnings():  # a memory map that is only to be read is only read
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self._source = torch.from_numpy(np.asarray(vectors))
        self._rooms: dict[tuple[torch.dtype, torch.device], Tensor] = {}
        self.mean = self._mean()
        if self.device.type == "cuda" and self._source.nbytes < 0.7 * torch.cuda.mem_get_info(self.device)[0]:
            self._source = self._source.to(self.device)
        self.lengths = self._lengths()

    def __len__(self) -> int:
        return len(self.vectors)

    def widened(self) -> None:
        """From now on in double precision."""
        self.dtype = torch.float64
        self.lengths = self._lengths()

    def block(self, rows: Index | slice, *, passing: bool = False) -> Tensor:
        """``(B, D)`` some rows less the mean, on the device. ``rows``: a slice, or numbers in any order. ``passing``: only needed until the next such call."""
        if not isinstance(rows, slice):
            if (rows[1:] <= rows[:-1]).any():
                unique, back = np.unique(rows, return_inverse=True)  # files are read from front to back
                return self.block(unique)[self.index(back)]
            if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
                rows = slice(int(rows[0]), int(rows[-1]) + 1)
        if isinstance(rows, slice):
            found = self._source[rows].to(self.device)
        else:
            at = torch.from_numpy(rows).to(self._source.device)
            room = self._room(len(rows), self._source) if passing else None
            found = (torch.index_select(self._source, 0, at, out=room) if room is not None else self._source[at]).to(self.device)
        mean = self.mean.to(torch.promote_types(self.dtype, found.dtype))  # of doubles the mean is taken before they are made single
        if found.dtype == self.dtype and passing:
            return torch.sub(found, mean, out=self._room(len(found), mean))
        return (found.to(mean.dtype) - mean).to(self.dtype)

    def index(self, numbers: Index) -> Tensor:
        """``numbers`` on the device."""
        return torch.from_numpy(np.ascontiguousarray(numbers, np.int64)).to(self.device)

    def slack(self, squared: Tensor, lengths: Tensor) -> Tensor:
        """How much a computed least squared distance may be off, of rows with these squared lengths.

        It is a share of (|x| + |c|)^2, and a nearest centre is no longer than |c| <= |x| + d; (2 |x| + d)^2 <= 8 |x|^2 + 2 d^2.
        """
        unit = torch.finfo(self.dtype).eps / 2
        share = (_SPREAD * self.vectors.shape[1] ** 0.5 / 2 + 4) * unit
        found: Tensor = torch.add(squared, lengths, alpha=4) * (2 * share)
        return found

    def _room(self, rows: int, like: Tensor) -> Tensor | None:
        """Memory that is used again and again: fresh pages cost as much as what is written to them."""
        if rows > ROWS:
            return None
        key = (like.dtype, like.device)
        if key not in self._rooms:
            self._rooms[key] = torch.empty(ROWS, self.vectors.shape[1], dtype=like.dtype, device=like.device)
        return self._rooms[key][:rows]

    def _mean(self) -> Tensor:
        total = np.zeros(self.vectors.shape[1])
        for some in slices(len(self)):
            block = self._source[some]
            wide = len(self) <= _EXACT or block.dtype == torch.float64  # of many vectors the last digits of the mean decide nothing
            total += (block.double() if wide else block.float()).numpy().sum(0)
        return torch.from_numpy(total / max(1, len(self))).to(self.device)

    def _lengths(self) -> Tensor:
        found = torch.empty(len(self), dtype=self.dtype, device=self.device)
        for some in slices(len(self)):
            block = self.block(some, passing=True)
            torch.linalg.vecdot(block, block, out=found[some])
        return found


class Centres:
    """Rows ``numbers`` that others are measured against, in the order they came, with their vectors at hand."""

    def __init__(self, rows: Rows, numbers: Index) -> None:
        self.rows, self.numbers = rows, numbers
        self._block = rows.block(numbers)
        self._lengths = self._block.square().sum(1)
        self._new: list[Tensor] = []
        self._room: Tensor | None = None

    def add(self, number: int, vector: Tensor | None = None) -> None:
        """One more, the last. ``vector`` (D,): its own less the mean, where it is at hand, on whatever device."""
        self.numbers = np.append(self.numbers, number)
        self._new.append(self.rows.block(self.numbers[-1:])[0] if vector is None else vector)

    @property
    def block(self) -> Tensor:
        """``(n, D)`` their vectors less the mean."""
        if self._new:  # many at a time
            new = torch.stack(self._new).to(self._block)
            self._block, self._lengths = torch.cat([self._block, new]), torch.cat([self._lengths, new.square().sum(1)])
            self._new.clear()
        return self._block

    @property
    def lengths(self) -> Tensor:
        """``(n,)`` the squares of these."""
        self.block  # noqa: B018 - with those that are new
        return self._lengths

    def _products(self, block: Tensor, first: int, last: int) -> Tensor:
        """``(B, last - first)`` squared distances to some centres less the squared lengths of ``block``, in memory that the next call uses again."""
        wanted = len(block) * (last - first)
        if self._room is None or self._room.numel() < wanted or self._room.dtype != block.dtype:
            self._room = torch.empty(max(wanted, CELLS), dtype=block.dtype, device=block.device)
        return torch.addmm(self.lengths[first:last], block, self.block[first:last].T, alpha=-2, out=self._room[:wanted].view(len(block), -1))

    def least(self, block: Tensor, lengths: Tensor, first: int = 0, last: int | None = None) -> Tensor:
        """``(B,)`` the computed squared distance of each row of ``block`` to the nearest of the centres from ``first`` to before ``last``."""
        best: Tensor | None = None
        step, last = max(1, CELLS // max(1, len(block))), len(self.numbers) if last is None else last
        for start in range(first, last, step):
            found = self._products(block, start, min(start + step, last)).amin(1)
            best = found if best is None else torch.minimum(best, found)
        return torch.full_like(lengths, torch.inf) if best is None else (best + lengths).clamp_(min=0)

    def settled(self, numbers: Index, before: Index | None = None, block: Tensor | None = None) -> tuple[Index, NDArray[np.float64]]:
        """For rows ``numbers`` (Q,): which centre is nearest (its place, of equally near ones the first) and the squared distance, exact.

        ``before`` (Q,): only the first so many centres count, at least one. ``block`` (Q, D): the rows less the mean, where they are at hand.
        """
        place, squared = np.zeros(len(numbers), np.int64), np.empty(len(numbers))
        step = max(1, min(ROWS, CELLS // max(1, len(self.numbers))))
        for start in range(0, len(numbers), step):
            some = slice(start, start + step)
            asked = numbers[some]
            vectors = self.rows.block(asked, passing=True) if block is None else block[some].to(self.rows.device)
            lengths = self.rows.lengths[self.rows.index(asked)]
            apart = self._products(vectors, 0, len(self.numbers)).add_(lengths[:, None])
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
    """The distance from the farthest of ``vectors`` (n, d) to the chosen row nearest to it."""
    return float(nearest_chosen(vectors, chosen, device)[1].max(initial=0.0))


def slices(rows: int, step: int = ROWS) -> Iterator[slice]:
    """Blocks of ``rows``."""
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))
