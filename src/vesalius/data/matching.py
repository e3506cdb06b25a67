"""Which images of one data set are also in another, though their files differ: by perceptual hash (``data.perceptual``).

RSNA's radiographs, for instance, are NIH's, as DICOM instead of PNG. Hashes are made from stored pixels, once: they lie
beside them in the store. 27,000 images are looked up among 112,000 in less than a minute on two cores.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data import perceptual
from vesalius.data.pool import Pool
from vesalius.data.record_store import RecordStore
from vesalius.errors import VesaliusError
from vesalius.files import atomic_write

Progress = Callable[[int, int], None]

_FILE = f"perceptual-{perceptual.VERSION}.npz"
_BATCH = 256  # thumbnails transformed at a time
_ROWS, _COLUMNS = 2048, 8192  # of one product: 64 MB
_HALF = perceptual.BITS // 2


@dataclass(frozen=True)
class Hashes:
    """``bits`` (N, 64) packed, ``known`` (N,): False for images that are too small or too flat to have a hash."""

    bits: NDArray[np.uint8]
    known: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.bits)

    def take(self, rows: NDArray[np.int64]) -> Hashes:
        """The hashes of these rows."""
        return Hashes(self.bits[rows], self.known[rows])


def hashes(store: RecordStore, progress: Progress | None = None) -> Hashes:
    """The hash of each record of ``store``, of images, in its order; of several processes one makes them and the others wait.

    They are kept in the store's folder under their records' digests, so that only new records are ever hashed.
    """
    wanted = np.frombuffer(store.digests.astype("S32").tobytes(), "S32")
    found = _kept(store.folder)
    if not found.hold(wanted):
        with suppress(OSError, VesaliusError), Pool(store.folder).lock():  # a read-only cache serves as well
            found = _kept(store.folder)
            if not found.hold(wanted):
                found = _completed(store, wanted, found, progress)
                atomic_write(store.folder / _FILE, found.to_bytes())
    if not found.hold(wanted):
        found = _completed(store, wanted, found, progress)
    order = np.argsort(found.digests)
    place = order[np.searchsorted(found.digests, wanted, sorter=order)]
    return Hashes(found.bits[place], found.known[place])


def nearest(
    mine: Hashes, others: Hashes, distance: int = perceptual.DISTANCE
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``(N,)`` for each of ``mine`` the row of ``others`` that is nearest, -1 where none is within ``distance`` bits, and how far.

    Of equally near ones the first. Two hashes within ``distance`` are so in either half of their bits: one half is
    compared for all pairs, as a product of matrices, the other for the few pairs that are left.
    """
    best, far = np.full(len(mine), -1), np.full(len(mine), perceptual.BITS)
    rows, columns = np.flatnonzero(mine.known), np.flatnonzero(others.known)
    left, right = mine.bits[rows], others.bits[columns]
    for i, j in _candidates(left, right, distance):
        apart = np.unpackbits(left[i] ^ right[j], axis=1).sum(1, dtype=np.int64)
        apart = np.minimum(apart, perceptual.BITS - apart)  # of an inverted image every bit differs
        order = np.lexsort((j, apart, i))
        i, j, apart = i[order], j[order], apart[order]
        first = np.flatnonzero(np.r_[True, i[1:] != i[:-1]])
        i, j, apart = rows[i[first]], columns[j[first]], apart[first]
        better = (apart <= distance) & (apart < far[i])
        best[i[better]], far[i[better]] = j[better], apart[better]
    return best, np.where(best < 0, perceptual.BITS, far)


def _candidates(
    left: NDArray[np.uint8], right: NDArray[np.uint8], distance: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pairs whose second half, the more telling one, is within ``distance``."""
    least = _HALF - 2 * min(distance, _HALF // 2)  # of ones and minus ones, the product that ``distance`` leaves
    blocks = [(start, _signs(right[start : start + _COLUMNS])) for start in range(0, len(right), _COLUMNS)]
    for top in range(0, len(left), _ROWS):
        signs = _signs(left[top : top + _ROWS])
        for start, others in blocks:
            i, j = torch.nonzero((signs @ others.T).abs_() >= least, as_tuple=True)
            if len(i):
                yield i.numpy() + top, j.numpy() + start


def _signs(bits: NDArray[np.uint8]) -> Tensor:
    """``(n, 256)`` one or minus one for each bit of the second half."""
    return torch.from_numpy(np.unpackbits(bits[:, _HALF // 8 :], axis=1)).float().mul_(2).sub_(1)


@dataclass(frozen=True)
class _Kept:
    """Hashes by the digest of their record, 32 hexadecimal digits."""

    digests: NDArray[np.bytes_]
    bits: NDArray[np.uint8]
    known: NDArray[np.bool_]

    def hold(self, wanted: NDArray[np.bytes_]) -> bool:
        """Whether each of ``wanted`` is there."""
        return bool(np.isin(wanted, self.digests).all())

    def to_bytes(self) -> bytes:
        """One ``.npz``, without pickle."""
        file = io.BytesIO()
        np.savez(file, digests=self.digests, bits=self.bits, known=self.known)
        return file.getvalue()


def _kept(folder: Path) -> _Kept:
    with suppress(OSError, ValueError, KeyError, zipfile.BadZipFile), np.load(folder / _FILE, allow_pickle=False) as file:
        return _Kept(file["digests"], file["bits"], file["known"])
    return _Kept(np.zeros(0, "S32"), np.zeros((0, perceptual.BITS // 8), np.uint8), np.zeros(0, bool))


def _completed(store: RecordStore, wanted: NDArray[np.bytes_], kept: _Kept, progress: Progress | None) -> _Kept:
    """``kept`` and the hashes of the records it lacks; the same record under two ids is hashed once."""
    digests, rows = np.unique(wanted, return_index=True)
    new = ~np.isin(digests, kept.digests)
    digests, rows = digests[new], rows[new]
    bits, known = np.zeros((len(rows), perceptual.BITS // 8), np.uint8), np.zeros(len(rows), bool)
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="hash") as executor:
        for start in range(0, len(rows), _BATCH):
            found = list(executor.map(lambda row: perceptual.thumbnail(store.array(int(row))), rows[start : start + _BATCH]))
            good = {start + place: small for place, small in enumerate(found) if small is not None}
            if good:
                at = np.array(list(good))
                bits[at], known[at] = perceptual.bits_of(np.stack(list(good.values()))), True
            if progress is not None:
                progress(min(start + _BATCH, len(rows)), len(rows))
    return _Kept(
        np.concatenate([kept.digests, digests]), np.concatenate([kept.bits, bits]), np.concatenate([kept.known, known])
    )
