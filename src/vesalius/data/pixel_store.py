"""Reading stored pixels: many windows of many records at once, without decoding anything."""

from __future__ import annotations

import mmap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.pixels import Pixels
from vesalius.data.pool import Pool
from vesalius.data.records import Records, record_bytes
from vesalius.data.settings import StoreSettings
from vesalius.errors import UserError


class PixelStore:
    """The pixels of a table's readable samples, memory-mapped; made by ``store.build`` or ``store.open``.

    Record ``i`` is row ``i`` of ``ids`` (N,), in the table's order; samples without pixels are in ``left_out`` with the
    reason. ``extents`` (N, 2): stored height and width. ``low``, ``high`` (N,): what 0 and 1 stood for in the file.
    Reading is safe from several threads.
    """

    def __init__(self, pool: Pool, records: Records, settings: StoreSettings, name: str) -> None:
        good = records.rows["reason"] < 0
        rows = records.rows[good]
        bad = records.rows[~good]
        self.name, self.settings, self.folder = name, settings, pool.folder
        self.left_out: list[tuple[int, str]] = [(int(row["id"]), records.sentences[row["reason"]]) for row in bad]
        self.ids: NDArray[np.uint64] = rows["id"].copy()
        self.extents: NDArray[np.int64] = rows["shape"][:, 1:].astype(np.int64)
        self.low, self.high = rows["low"].copy(), rows["high"].copy()
        self._digests = rows["digest"].copy()
        self._scale = torch.from_numpy(rows["scale"].astype(np.float32))
        self._offset = torch.from_numpy(rows["offset"].astype(np.float32))
        self._shape, self._deep = rows["shape"].astype(np.int64), rows["deep"].copy()
        self._file, self._start = rows["file"].copy(), rows["start"].copy()
        self.channels = self._common_channels()
        self.dtype = torch.uint16 if bool(self._deep.any()) else torch.uint8
        stops = rows["start"] + record_bytes(rows)
        self._maps = {
            int(n): _mapped(pool.pixels(int(n)), int(stops[self._file == n].max())) for n in np.unique(self._file)
        }
        self._uniform = self._as_uniform()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def digests(self) -> NDArray[np.str_]:
        """``(N,)`` each record's address, 32 hexadecimal digits: equal pixels by equal rules, equal address."""
        return np.frombuffer(self._digests.tobytes().hex().encode(), "S32").astype("U32")

    @property
    def nbytes(self) -> int:
        """Bytes of the records this store reads."""
        return int((self._shape.prod(-1) * np.where(self._deep, 2, 1)).sum())

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

    def array(self, row: int) -> NDArray[Any]:
        """Record ``row`` as it is stored: (C, H, W), read-only."""
        channels, height, width = self._shape[row].tolist()
        start, deep = int(self._start[row]), self._deep[row]
        data = self._maps[int(self._file[row])][start : start + channels * height * width * (2 if deep else 1)]
        return (data.view(np.uint16) if deep else data).reshape(channels, height, width)

    def read(self, rows: NDArray[np.int64], windows: NDArray[np.int64], out: Pixels | None = None) -> Pixels:
        """Windows (B, R, 2, 2), start and stop of height and width, of records ``rows`` (B, R).

        The result's canvas is the batch's largest window; behind smaller ones are zeros. ``out``: an earlier result
        whose memory may be used again. Raises IndexError when a window reaches beyond its record.
        """
        extents = self.extents[rows]
        starts, stops = windows[:, :, 0], windows[:, :, 1]
        if (starts < 0).any() or (stops > extents).any() or (starts >= stops).any():
            raise IndexError("a window reaches beyond its record, or is empty")
        sizes = stops - starts
        canvas = tuple(int(side) for side in sizes.max((0, 1))) if rows.size else (0, 0)
        flat = torch.from_numpy(np.ascontiguousarray(rows).reshape(-1))
        if self._uniform is not None and canvas == tuple(self._shape[0, 1:]) and (sizes == extents).all():
            data = self._whole(rows, out)
        else:
            data = self._windows(rows, starts, stops, canvas, out)
        shape = rows.shape
        scale, offset = self._scale[flat].view(shape), self._offset[flat].view(shape)
        return Pixels(data, torch.from_numpy(sizes.copy()), scale, offset)

    def _whole(self, rows: NDArray[np.int64], out: Pixels | None) -> Tensor:
        """All records have one shape: one gather by ``index_select``, which leaves the interpreter to other threads."""
        assert self._uniform is not None
        views, places = self._uniform
        flat = rows.reshape(-1)
        stored = tuple(int(side) for side in self._shape[0])
        data = _memory((len(flat), *stored), self.dtype, out if stored[0] == self.channels else None)
        if len(views) == 1:
            torch.index_select(next(iter(views.values())), 0, torch.from_numpy(places[flat]), out=data)
        else:
            files = self._file[flat]
            for number in np.unique(files):
                at = np.flatnonzero(files == number)
                data[torch.from_numpy(at)] = views[int(number)].index_select(0, torch.from_numpy(places[flat[at]]))
        data = data.view(*rows.shape, *stored)
        return data if stored[0] == self.channels else data.expand(*rows.shape, self.channels, *stored[1:])

    def _windows(
        self,
        rows: NDArray[np.int64],
        starts: NDArray[np.int64],
        stops: NDArray[np.int64],
        canvas: tuple[int, ...],
        out: Pixels | None,
    ) -> Tensor:
        data = _memory((*rows.shape, self.channels, *canvas), self.dtype, out)
        if (stops - starts != canvas).any():
            data.zero_()
        target = data.numpy().reshape(-1, self.channels, *canvas)
        firsts, lasts = starts.reshape(-1, 2).tolist(), stops.reshape(-1, 2).tolist()
        for place, row in enumerate(rows.reshape(-1).tolist()):
            (top, left), (bottom, right) = firsts[place], lasts[place]
            window = self.array(row)[:, top:bottom, left:right]
            target[place, :, : bottom - top, : right - left] = window  # one grey channel fills all
        return data

    def _common_channels(self) -> int:
        if self.settings.channels != "keep":
            return int(self.settings.channels)
        counts = {int(count) for count in np.unique(self._shape[:, 0])} or {1}
        if len(counts - {1}) > 1 or (1 in counts and counts - {1, 3}):
            listed = ", ".join(map(str, sorted(counts)))
            raise UserError(
                f"The images of {self.name} have {listed} channels; one batch needs one number. Keep those of one "
                "kind, or set the store's channels to 1 or 3."
            )
        return max(counts)

    def _as_uniform(self) -> tuple[dict[int, Tensor], NDArray[np.int64]] | None:
        """One (n, C, H, W) tensor per pixel file, and each record's number in its file; None for unequal records."""
        if not len(self) or (self._shape != self._shape[0]).any() or (self._deep != self._deep[0]).any():
            return None
        size = int(self._shape[0].prod()) * (2 if self._deep[0] else 1)
        views: dict[int, Tensor] = {}
        places = np.zeros(len(self), np.int64)
        for number, data in self._maps.items():
            of_file = self._file == number
            first = int(self._start[of_file].min())
            steps = self._start[of_file] - first
            if (steps % size).any():
                return None
            places[of_file] = steps // size
            count = int(places[of_file].max()) + 1
            raw = data[first : first + count * size]
            views[number] = _as_tensor((raw.view(np.uint16) if self._deep[0] else raw).reshape(count, *self._shape[0]))
        return views, places


def _mapped(path: Path, length: int) -> NDArray[np.uint8]:
    with open(path, "rb") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ), np.uint8)


def _as_tensor(array: NDArray[Any]) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable.*")  # nothing here writes to it
        return torch.from_numpy(array)


def _memory(shape: tuple[int, ...], dtype: torch.dtype, out: Pixels | None) -> Tensor:
    """An uninitialised tensor, in the memory of ``out`` where that is of the type and large enough."""
    count = int(np.prod(shape))
    if out is not None and out.data.dtype == dtype and out.data.is_contiguous() and out.data.numel() >= count:
        return out.data.view(-1)[:count].view(shape)
    return torch.empty(shape, dtype=dtype)
