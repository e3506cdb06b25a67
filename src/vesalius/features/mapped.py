"""Rows of a cache that stay on disk until they are asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Mapped:
    """``(n, ...)``: row i is row ``place[i]`` of ``shards[which[i]]``, tensors that are mapped from files. ``mapped[rows]`` is a copy of rows,
    by numbers (n,), a mask (n,) or a slice, in the type they are stored in.
    """

    def __init__(self, shards: Sequence[Tensor], which: NDArray[np.int64], place: NDArray[np.int64]) -> None:
        self._shards, self._which, self._place = shards, which, place
        self.shape = torch.Size((len(which), *shards[0].shape[1:]))
        self.dtype = shards[0].dtype

    def __len__(self) -> int:
        return len(self._which)

    def __getitem__(self, rows: Tensor | NDArray[np.integer] | NDArray[np.bool_] | slice) -> Tensor:
        chosen = np.arange(len(self))[rows.cpu().numpy() if isinstance(rows, Tensor) else rows]
        out = torch.empty(len(chosen), *self.shape[1:], dtype=self.dtype)
        which, place = self._which[chosen], self._place[chosen]
        for number in np.unique(which):
            at = np.flatnonzero(which == number)
            out[torch.from_numpy(at)] = self._shards[number][torch.from_numpy(place[at])].to(self.dtype)
        return out

    def take(self, rows: NDArray[np.int64]) -> Mapped:
        """These rows alone, still on disk."""
        return Mapped(self._shards, self._which[rows], self._place[rows])
