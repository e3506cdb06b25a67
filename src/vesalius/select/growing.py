"""A selection as one round of a datapool: which files are looked at, what earlier rounds chose, and this round added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.table import SampleTable
from vesalius.errors import UserError
from vesalius.runs import Run
from vesalius.select.datapool import Datapool
from vesalius.select.picks import Picks
from vesalius.select.pool import Pool
from vesalius.terminal import Terminal

_BEFORE = "datapool_rounds"


@dataclass(frozen=True)
class Joined:
    """Rows in the order of ``names``: of this data and, behind the datapool's own names, of members whose files have vanished."""

    names: NDArray[np.str_]
    ids: NDArray[np.uint64]
    vectors: NDArray[Any] | None
    chosen: NDArray[np.int64]


class Round:
    """One round of the pool ``name``, in ``run``: gone on with, it begins from the rounds that there were when it was started."""

    def __init__(self, name: str, run: Run, *, process_all: bool, terminal: Terminal) -> None:
        before = run.facts().get(_BEFORE)
        self._before = Datapool.open(name, rounds=before)
        if before is None:
            run.record(**{_BEFORE: len(self._before.rounds)})
        self._run, self._process_all, self._terminal = run, process_all, terminal
        self._looked_at: SampleTable | None = None

    @property
    def members(self) -> NDArray[np.uint64]:
        """``(n,)`` ids of what earlier rounds selected."""
        return self._before.ids

    def looked_at(self, pool: Pool) -> Pool:
        """The part of ``pool`` that is new, with the members that are still there. Raises UserError where nothing is new."""
        new = self._before.new_rows(pool.table, self._process_all)
        if not new.any():
            raise UserError(
                f"The datapool {self._before.name} has looked at all {len(pool):,} of these images in {_rounds(self._before)}, so there is none "
                "to choose from. Add images, or look at all that are not selected again with --datapool.process_all true."
            )
        self._looked_at = pool.table.subset(new)
        earlier = f", {len(self.members):,} selected in {_rounds(self._before)} before" if len(self.members) else ""
        self._terminal.say(f"datapool {self._before.name}: {int(new.sum()):,} of {len(pool):,} images are new{earlier}.")
        return pool.take(new | np.isin(pool.table.ids, self.members))

    def joined(self, names: NDArray[np.str_], ids: NDArray[np.uint64], vectors: NDArray[Any] | None, encoder: str) -> Joined:
        """Candidates, ``names`` and ``ids`` (n,) with ``vectors`` (n, d), with every member.

        Of those that have vanished the vectors of their round, where the encoder is the same.

        Raises UserError where it is another.
        """
        gone = ~np.isin(self.members, ids)
        given = np.empty((len(ids), 0), np.float32) if vectors is None else vectors
        if gone.any() and self._before.stale(encoder, given.shape[1]):
            self._before.refuse(int(gone.sum()))
        if not gone.any():
            return Joined(names, ids, vectors, np.flatnonzero(np.isin(ids, self.members)))
        found = self._before.joined(names.tolist(), ids, given)
        order = np.argsort(np.asarray(found.names, dtype=np.str_), kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        whole = None if vectors is None else found.vectors[order]
        return Joined(np.asarray(found.names, dtype=np.str_)[order], found.ids[order], whole, np.sort(place[found.chosen]))

    def add(self, picks: Picks, ids: NDArray[np.uint64], vectors: NDArray[Any] | None, encoder: str) -> None:
        """What was picked of candidates ``ids`` (n,), ``vectors`` (n, d) becomes part of the pool, once."""
        assert self._looked_at is not None
        given = np.empty((len(ids), 0), np.float32) if vectors is None else vectors
        again = None
        if self._before.stale(encoder, given.shape[1]):
            order = np.argsort(ids)
            again = np.asarray(given[order[np.searchsorted(ids, self.members, sorter=order)]], np.float32)
        rows = picks.rows
        self._before.add(str(self._run.facts()["id"]), encoder, ids[rows], np.asarray(given[rows], np.float32), looked_at=self._looked_at, again=again)

    def history(self) -> list[dict[str, Any]]:
        """Every round there is now."""
        return Datapool.open(self._before.name).history()


def _rounds(pool: Datapool) -> str:
    n = len(pool.rounds)
    return f"{n} round{'s' * (n != 1)}"
