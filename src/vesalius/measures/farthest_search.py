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

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.measures.distances import Centres, Index, Rows, between, slices

POOL = 512
"""Rows of a pool, more than ``_FEW`` of which are of no use for the last few picks."""
_FEW = 64
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
        self.size = POOL

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
        self.value[self.pool.places], self.bound[self.pool.places] = self.pool.value.to(self.value), (self.pool.value + self.pool.loose).to(self.value)
        self.seen[self.pool.places] = len(self.centres.numbers)
        self.pool = None

    def _widen(self) -> None:
        self.rows.widened()
        self.centres = Centres(self.rows, self.centres.numbers)
        self._forget()

    def _pooled(self, floor: float) -> Pool:
        """The rows with the largest bounds, all of which know all centres. Those that exceed ``floor`` have to be looked at in any case."""
        free, now = int(self.free.sum()), len(self.centres.numbers)
        size = min(self.size if self.size > POOL else min(POOL, max(_FEW, 2 * self.left)), free)
        look = max(size, int((self.bound >= floor).sum()))
        while True:
            found = self.bound.topk(min(size + 1, free), sorted=False)
            if bool((self.seen[found.indices] == now).all()):
                break
            top = self.bound.topk(min(look, free), sorted=False).indices
            self._catch_up(top[self.seen[top] < now])
            look *= 2
        last = int(found.values.argmin())
        places = found.indices if size == free else torch.cat([found.indices[:last], found.indices[last + 1 :]])
        beyond = -torch.inf if size == free else float(found.values[last])
        places = places.sort().values
        return Pool(self.rows, places, self.value[places], beyond)

    def _catch_up(self, places: Tensor) -> None:
        """Rows see all centres they have not seen."""
        seen, order = self.seen[places].sort()
        places, now = places[order], len(self.centres.numbers)
        for some in slices(len(places)):
            at = places[some].sort().values
            lengths, block = self.rows.lengths[at], self.rows.block(at.cpu().numpy(), passing=True)
            value = torch.minimum(self.value[at], self.centres.least(block, lengths, int(seen[some.start])))
            self.value[at], self.bound[at] = value, value + self.rows.slack(value, lengths)
        self.seen[places] = now


class Pool:
    """Rows ``places`` (P,), ascending, that know all centres: ``value`` (P,), off by ``slack`` at most. All other rows are at most ``beyond``."""

    def __init__(self, rows: Rows, places: Tensor, value: Tensor, beyond: float) -> None:
        self.rows, self.places, self.beyond, self.picked = rows, places, beyond, 0
        self.numbers = places.cpu().numpy()
        self.block, self.lengths = rows.block(self.numbers), rows.lengths[places]
        self.value = value.double()
        self.loose = rows.slack(value, self.lengths).double()
        self.slack = self.loose.clone()

    def take(self, row: int, centres: Centres) -> None:
        """``row``, one of these, is the next of ``centres``."""
        at = int(np.searchsorted(self.numbers, row))
        centres.add(row, self.block[at])
        found = torch.addmv(self.lengths, self.block, centres.block[-1], alpha=-2).add_(centres.lengths[-1]).clamp_(min=0).double()
        self.slack = torch.where(found - self.loose < self.value, self.loose, self.slack)  # a value that was exact stays so while all others are farther
        self.value = torch.minimum(self.value, found)
        self.value[at], self.slack[at] = -torch.inf, 0

    def leader(self) -> tuple[int, float, float, int]:
        """The farthest as computed: its row, the least and the most its squared distance can be, and how many rows can be as far."""
        value, at = self.value.max(0)
        low, high = value - self.slack[at], value + self.slack[at]
        place, *told = torch.stack([at.double(), low, high, (self.value + self.slack >= low).sum().double()]).tolist()  # the one wait for the device
        return int(self.numbers[int(place)]), told[0], told[1], int(told[2])

    def compared(self, centres: Centres) -> tuple[int, float]:
        """The farthest, exactly, and its squared distance; of equally far rows the first."""
        low = (self.value - self.slack).max()
        may = (self.value + self.slack >= low).nonzero()[:, 0]
        open_ = may[self.slack[may] > 0]
        if len(open_):
            exact = centres.settled(self.numbers[open_.cpu().numpy()], block=self.block[open_])[1]
            self.value[open_], self.slack[open_] = torch.from_numpy(exact).to(self.value.device), 0
        values = self.value[may].cpu().numpy()
        best = int(np.argmax(values))
        return int(self.numbers[int(may[best])]), float(values[best])
