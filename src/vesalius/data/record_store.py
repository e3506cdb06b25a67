"""What every opened store is: records by number, each with an id and an address, mapped into memory."""

from __future__ import annotations

import mmap
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.pixels import Pixels
from vesalius.data.plan import Plan
from vesalius.data.pool import Pool
from vesalius.data.records import Records
from vesalius.data.settings import StoreSettings
from vesalius.errors import UserError


class RecordStore(ABC):
    """The records of a table's readable samples.

    Record ``i`` is row ``i`` of ``ids`` (N,), in the table's order; samples without a record are in ``left_out`` with the
    reason. ``extents`` (N, dims): stored sides. ``low``, ``high`` (N,): what 0 and 1 stood for in the file of an image, the
    least and the greatest value of a volume. Reading is safe from several threads.
    """

    channels: int
    dtype: torch.dtype
    settings: StoreSettings | Plan

    def __init__(self, pool: Pool, records: Records, name: str, dims: int) -> None:
        good = records.rows["reason"] < 0
        rows = records.rows[good]
        bad = records.rows[~good]
        self.name, self.folder = name, pool.folder
        self.left_out: list[tuple[int, str]] = [(int(row["id"]), records.sentences[row["reason"]]) for row in bad]
        self.ids: NDArray[np.uint64] = rows["id"].copy()
        self._shape = rows["shape"][:, : dims + 1].astype(np.int64)
        self.extents: NDArray[np.int64] = self._shape[:, 1:].copy()
        self.low, self.high = rows["low"].copy(), rows["high"].copy()
        self._digests, self._deep = rows["digest"].copy(), rows["deep"].copy()
        self._file, self._start, self._length = rows["file"].copy(), rows["start"].copy(), rows["length"].copy()
        stops = self._start + self._length
        self._maps = {
            int(n): _mapped(pool.pixels(int(n)), int(stops[self._file == n].max())) for n in np.unique(self._file)
        }

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def digests(self) -> NDArray[np.str_]:
        """``(N,)`` each record's address, 32 hexadecimal digits: equal pixels by equal rules, equal address."""
        return np.frombuffer(self._digests.tobytes().hex().encode(), "S32").astype("U32")

    @property
    def nbytes(self) -> int:
        """Bytes of the records this store reads."""
        return int(self._length.sum())

    def rows(self, ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """``(n,)`` the record numbers of ``ids``. Raises UserError naming the first one that has no record."""
        order = np.argsort(self.ids)
        wanted = np.asarray(ids, np.uint64)
        places = np.searchsorted(self.ids, wanted, sorter=order)
        found = order[np.minimum(places, len(order) - 1)] if len(order) else np.zeros(len(wanted), np.int64)
        wrong = self.ids[found] != wanted if len(order) else np.ones(len(wanted), bool)
        if wrong.any():
            missing = int(wanted[wrong][0])
            reason = dict(self.left_out).get(missing, "it is not in the table the store was opened with")
            raise UserError(f"The sample {missing:016x} of {self.name} has no stored pixels: {reason}")
        return found.astype(np.int64)

    @property
    @abstractmethod
    def size(self) -> str:
        """What was stored, in a word: pixels of the shorter side, or mm of a voxel."""

    @abstractmethod
    def array(self, row: int) -> NDArray[Any]:
        """Record ``row`` as it is stored: (C, *sides), read-only."""

    @abstractmethod
    def read(self, rows: NDArray[np.int64], windows: NDArray[np.int64], out: Pixels | None = None) -> Pixels:
        """Windows (B, R, 2, dims), start and stop of each side, of records ``rows`` (B, R).

        The result's canvas is the batch's largest window; behind smaller ones are zeros. ``out``: an earlier result
        whose memory may be used again. Raises IndexError when a window reaches beyond its record.
        """

    def _raw(self, row: int) -> NDArray[np.uint8]:
        """The bytes of record ``row``."""
        start = int(self._start[row])
        return self._maps[int(self._file[row])][start : start + int(self._length[row])]

    def _sizes(self, rows: NDArray[np.int64], windows: NDArray[np.int64]) -> tuple[NDArray[np.int64], tuple[int, ...]]:
        """``(B, R, dims)`` the windows' sizes, and the canvas that holds each of them."""
        starts, stops = windows[:, :, 0], windows[:, :, 1]
        if (starts < 0).any() or (stops > self.extents[rows]).any() or (starts >= stops).any():
            raise IndexError("a window reaches beyond its record, or is empty")
        sizes = stops - starts
        return sizes, tuple(int(side) for side in sizes.max((0, 1))) if rows.size else (0,) * sizes.shape[-1]


def _mapped(path: Path, length: int) -> NDArray[np.uint8]:
    with open(path, "rb") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ), np.uint8)


def memory(shape: tuple[int, ...], dtype: torch.dtype, used: Tensor | None) -> Tensor:
    """An uninitialised tensor, of any ``shape`` () to (n, ...), in the memory of ``used`` where that is of the type and large enough."""
    count = int(np.prod(shape))
    if used is not None and used.dtype == dtype and used.is_contiguous() and used.numel() >= count:
        return used.view(-1)[:count].view(shape)
    return torch.empty(shape, dtype=dtype)
