"""How far every row is from the nearest of some centres, kept up to date as centres are added: for objectives that need it of all rows each time."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vesalius.measures.distances import Centres, Index, Rows, between, slices

_DIFFERENCES, _DOUBLE = 1 << 22, 1 << 25
"""Numbers up to which differences to a new centre are taken, and up to which products are made in double precision."""


class NearestCentre:
    """``squared`` (N,): the least squared distance of each row of ``vectors`` (N, D) to the centres added so far, infinite without one.

    In small collections a centre that comes alone is measured exactly; products err by some 1e-15 of the squared lengths, in the largest collections
    by some 1e-6. ``settled`` is exact for all.
    """

    def __init__(self, vectors: NDArray[Any], device: torch.device | str = "cpu") -> None:
        self._rows = Rows(vectors, device)
        if vectors.size <= _DOUBLE:
            self._rows.widened()
        self._centres = Centres(self._rows, np.empty(0, np.int64))
        self.squared = np.full(len(vectors), np.inf)

    def add(self, numbers: Index) -> None:
        """Rows ``numbers`` are centres too."""
        if not len(numbers):
            return
        if self._rows.vectors.size <= _DIFFERENCES and len(numbers) == 1:
            np.minimum(self.squared, between(self._rows.vectors, np.arange(len(self.squared)), numbers), out=self.squared)
        else:
            new = Centres(self._rows, numbers)
            for some in slices(len(self.squared)):
                found = new.least(self._rows.block(some, passing=True), self._rows.lengths[some])
                np.minimum(self.squared[some], found.cpu().numpy(), out=self.squared[some])
            self.squared[numbers] = 0
        for number in numbers:
            self._centres.add(int(number))

    def central(self) -> NDArray[np.float64]:
        """``(N,)`` squared distance to the mean of all rows."""
        mean = self._rows.mean.cpu().numpy()
        return np.concatenate([np.square(self._rows.vectors[some] - mean).sum(1) for some in slices(len(self.squared))] or [np.empty(0)])

    def settled(self, numbers: Index) -> tuple[Index, NDArray[np.float64]]:
        """For rows ``numbers`` (Q,) the nearest centre, a row, and the distance to it, exactly. There has to be a centre."""
        place, squared = self._centres.settled(numbers)
        return self._centres.numbers[place], np.sqrt(squared)

    def __len__(self) -> int:
        """How many centres there are."""
        return len(self._centres.numbers)
