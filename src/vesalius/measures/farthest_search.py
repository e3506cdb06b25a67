"""The row farthest from a growing set of centres, without measuring every row to every centre.

A distance to the nearest centre can only fall, so what it once was bounds what it is: only rows whose old distance exceeds that of the
farthest now need to be looked at again ("lazy greedy", Minoux 1978). Some hundreds of the farthest rows form a pool that is kept up to date and
stays in the processor's cache; centres are taken from it while its farthest row is beyond the bounds of all others. Then the rows that may have come
to the front catch up with all centres they missed in one matrix product, and the best of them are the next pool. Of vectors without structure each pool
serves more centres than there were before it, and most rows are never measured to most centres.

What is answered is certain: bounds hold in spite of rounding, and rows that rounding cannot tell apart are compared by their differences in double
precision.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.measures.distances import Centres, Index, Rows, between, slices

POOL = 512
"""Rows of a pool, more than ``_FEW`` of which are of no use for the last few picks."""
_FEW = 64
_REACH = 0.6
"""How far a pool is first thought to reach down, as a share of how far the last one did: pools become narrower, and too far costs more than a second look."""
_STEP = 64
"""Centres seen at a time, after which rows go that cannot come to the front any more."""
_LARGE = 1024
"""Rows that are worth a product of their own."""
RIVALS = 4096
"""If so many rows cannot be told apart in single precision, double is worth its time."""


class Search:
    """What is known of all rows: ``value`` (N,), the computed least squared distance to centres it has ``seen``; ``bound`` (N,): no true one is larger."""

    def __init__(self, rows: Rows, chosen: Index, free: NDArray[np.bool_], wanted: int) -> None:
        self.rows, self.centres, self.free, self.left = rows, Centres(rows, chosen), free, wanted
        self._forget()

    def _forget(self) -> None:
        self.value = torch.full((len(self.rows),), torch.inf, dtype=self.rows.dtype, device=self.rows.device)
        self.value[self.rows.index(np.flatnonzero(~self.free))] = -torch.inf
        self.bound = self.value.clone()
        self.seen = torch.zeros(len(self.rows), dtype=torch.int64, device=self.rows.device)
        self.pool: Pool | None = None
        self.size, self.depth = POOL, torch.inf

    def take(self, row: int) -> None:
        """``row`` is a centre from now on."""
        self.free[row] = False
        self.left -= 1
        self.value[row] = self.bound[row] = -torch.inf
        if self.pool is None:
            self.centres.add(row)
        else:
            self.pool.take(row, self.centres)

    def farthest(self, least: float, exact: bool) -> tuple[int, float] | None:
        """The farthest free row, and its distance: to rounding, on the right side of ``least``, or ``exact``. None where no row is free."""
        floor = -torch.inf
        while self.free.any():
            if self.pool is None:
                self.pool = self._pooled(floor)
            row, low, high, rivals = self.pool.leader()
            if low > self.pool.beyond and rivals > 1:
                if rivals > RIVALS and self.rows.dtype == torch.float32:
                    self._widen()
                    floor = -torch.inf
                    continue
                row, low = self.pool.compared(self.centres)
                high = low
            if low > self.pool.beyond:
                self.pool.picked += 1
                if high > low and (exact or low * (1 - 1e-9) < least**2 < high * (1 + 1e-9)):
                    low = high = float(between(self.rows.vectors, row, self.centres.numbers).min())
                return row, max(low, 0.0) ** 0.5
            self.size = self.size * 4 if not self.pool.picked else POOL  # many rows equally far: all of them have to be compared
            floor = low
            self._back()
        return None

    def _back(self) -> None:
        """The pool's rows are rows as any other."""
        assert self.pool is not None
        places = self.pool.places
        self.value[places] = torch.from_numpy(self.pool.value).to(self.value)
        self.bound[places] = torch.from_numpy(self.pool.value + self.pool.loose).to(self.value)
        self.seen[places] = len(self.centres.numbers)
        self.pool = None

    def _widen(self) -> None:
        self.rows.widened()
        self.centres = Centres(self.rows, self.centres.numbers)
        self._forget()

    def _pooled(self, floor: float) -> Pool:
        """The rows with the largest bounds, all of which know all centres. ``floor``: no row that knows all is beyond; how far the last pool reached down
        says how far below it the next will.
        """
        free, now = int(self.free.sum()), len(self.centres.numbers)
        size = min(self.size if self.size > POOL else min(POOL, max(_FEW, 2 * self.left)), free)
        step = _REACH * self.depth + 1e-6 * abs(floor)
        enough = floor - step
        while True:
            front = (self.bound >= enough) & (self.bound > -torch.inf)
            self._catch_up((front & (self.seen < now)).nonzero()[:, 0], enough)
            if int(((self.bound >= enough) & front).sum()) > min(size, free - 1):
                break
            enough, step = enough - step, 2 * step
        found = self.bound.topk(min(size + 1, free), sorted=False)
        last = int(found.values.argmin())
        places = found.indices if size == free else torch.cat([found.indices[:last], found.indices[last + 1 :]])
        places = places.sort().values
        beyond = -torch.inf if size == free else float(found.values[last])
        self.depth = float(found.values.max()) - float(found.values[last])
        return Pool(self.rows, places, self.value[places], beyond)

    def _catch_up(self, places: Tensor, enough: float) -> None:
        """Rows see the centres they have not seen, in turn, until their bounds are below ``enough``."""
        seen, order = self.seen[places].sort()
        places, now = places[order], len(self.centres.numbers)
        for some in _alike(seen.cpu().numpy()):
            at, first = places[some].sort().values, int(seen[some.start])
            block, lengths, value = self.rows.block(at.cpu().numpy(), passing=True), self.rows.lengths[at], self.value[at]
            while len(at):
                last = min(first + _STEP, now)
                value = torch.minimum(value, self.centres.least(block, lengths, first, last))
                bound = value + self.rows.slack(value, lengths)
                self.value[at], self.bound[at], self.seen[at] = value, bound, last
                if last == now:
                    break
                first, up = last, (bound >= enough).nonzero()[:, 0]
                if len(up) < 0.8 * len(at):
                    at, block, lengths, value = at[up], block[up], lengths[up], value[up]


def _alike(seen: Index) -> Iterator[slice]:
    """Blocks of rows that saw the same, but for such as would be small."""
    first = 0
    for change in [*(np.flatnonzero(np.diff(seen)) + 1).tolist(), len(seen)]:
        if change - first >= _LARGE or change == len(seen):
            yield from (slice(first + some.start, first + some.stop) for some in slices(change - first))
            first = change


class Pool:
    """Rows ``places`` (P,), ascending, that know all centres: ``value`` (P,), off by ``slack`` at most. All other rows are at most ``beyond``.

    It is held by the processor whatever the device: what is done for each pick is little, and one pick waits for another.
    """

    def __init__(self, rows: Rows, places: Tensor, value: Tensor, beyond: float) -> None:
        self.places, self.beyond, self.picked = places, beyond, 0
        self.numbers: Index = places.cpu().numpy()
        self.block, lengths = rows.block(self.numbers).cpu(), rows.lengths[places]
        self.value = value.double().cpu().numpy()
        self.loose = rows.slack(value, lengths).double().cpu().numpy()
        self.slack = self.loose.copy()
        self._lengths, self._product = lengths.cpu().numpy(), torch.empty(len(places), dtype=rows.dtype)

    def take(self, row: int, centres: Centres) -> None:
        """``row``, one of these, is the next of ``centres``."""
        at = int(np.searchsorted(self.numbers, row))
        centres.add(row, self.block[at])
        found = torch.mv(self.block, self.block[at], out=self._product).numpy().astype(np.float64)
        found *= -2
        found += self._lengths
        found += self._lengths[at]
        np.maximum(found, 0, out=found)
        nearer = found - self.loose < self.value  # a value that was exact stays so while all others are farther
        self.slack[nearer] = self.loose[nearer]
        np.minimum(self.value, found, out=self.value)
        self.value[at], self.slack[at] = -np.inf, 0

    def leader(self) -> tuple[int, float, float, int]:
        """The farthest as computed: its row, the least and the most its squared distance can be, and how many rows can be as far."""
        at = int(self.value.argmax())
        low, high = float(self.value[at] - self.slack[at]), float(self.value[at] + self.slack[at])
        return int(self.numbers[at]), low, high, int(np.count_nonzero(self.value + self.slack >= low))

    def compared(self, centres: Centres) -> tuple[int, float]:
        """The farthest, exactly, and its squared distance; of equally far rows the first."""
        may = np.flatnonzero(self.value + self.slack >= (self.value - self.slack).max())
        open_ = may[self.slack[may] > 0]
        if len(open_):
            self.value[open_] = centres.settled(self.numbers[open_], block=self.block[torch.from_numpy(open_)])[1]
            self.slack[open_] = 0
        best = may[int(np.argmax(self.value[may]))]
        return int(self.numbers[best]), float(self.value[best])
