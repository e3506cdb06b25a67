"""Reading stored pixels: many windows of many records at once, without decoding anything."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from vesalius.data.pixels import Pixels
from vesalius.data.pool import Pool
from vesalius.data.record_store import RecordStore, memory
from vesalius.data.records import Records
from vesalius.data.settings import StoreSettings
from vesalius.errors import UserError


class PixelStore(RecordStore):
    """The pixels of a table's readable images, memory-mapped; made by ``store.build`` or ``store.open``."""

    settings: StoreSettings

    def __init__(self, pool: Pool, records: Records, settings: StoreSettings, name: str) -> None:
        super().__init__(pool, records, name, dims=2)
        self.settings = settings
        rows = records.rows[records.rows["reason"] < 0]
        self._scale = torch.from_numpy(rows["scale"].astype(np.float32))
        self._offset = torch.from_numpy(rows["offset"].astype(np.float32))
        self.channels = self._common_channels()
        self.dtype = torch.uint16 if bool(self._deep.any()) else torch.uint8
        self._uniform = self._as_uniform()

    @property
    @override
    def size(self) -> str:
        return str(self.settings.size)

    @override
    def array(self, row: int) -> NDArray[Any]:
        data = self._raw(row)
        return (data.view(np.uint16) if self._deep[row] else data).reshape(*self._shape[row].tolist())

    @override
    def read(self, rows: NDArray[np.int64], windows: NDArray[np.int64], out: Pixels | None = None) -> Pixels:
        sizes, canvas = self._sizes(rows, windows)
        flat = torch.from_numpy(np.ascontiguousarray(rows).reshape(-1))
        if self._uniform is not None and canvas == tuple(self._shape[0, 1:]) and (sizes == canvas).all():
            data = self._whole(rows, out)
        else:
            data = self._windows(rows, windows[:, :, 0], windows[:, :, 1], canvas, out)
        shape = rows.shape
        scale, offset = self._scale[flat].view(shape), self._offset[flat].view(shape)
        return Pixels(data, torch.from_numpy(sizes.copy()), scale, offset)

    def _whole(self, rows: NDArray[np.int64], out: Pixels | None) -> Tensor:
        """All records have one shape: one gather by ``index_select``, which leaves the interpreter to other threads."""
        assert self._uniform is not None
        views, places = self._uniform
        flat = rows.reshape(-1)
        stored = tuple(int(side) for side in self._shape[0])
        data = memory((len(flat), *stored), self.dtype, out.data if out is not None and stored[0] == self.channels else None)
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
        data = memory((*rows.shape, self.channels, *canvas), self.dtype, None if out is None else out.data)
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


def _as_tensor(array: NDArray[Any]) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable.*")  # nothing here writes to it
        return torch.from_numpy(array)
