"""What can be said of an image without any network: its size, how sharp, bright and contrasty it is; computed once, kept in the cache.

Pixels are taken between 0 and 1 (a deeper image over its own range, DICOM by its window, as readers give them), grey by ITU-R 601.
``width``, ``height``: px. ``size_in_bytes``: of the file. ``mean_red``, ``mean_green``, ``mean_blue``: in [0, 1]; all three the same of a grey image.
``contrast``: standard deviation of grey (root mean square contrast, Peli 1990). ``snr``: mean of grey over its standard deviation.
``sharpness``: variance of the Laplacian (4 neighbours) of grey between 0 and 255, as focus is measured (Pech-Pacheco et al., ICPR 2000).
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.file_states import FileStates
from vesalius.data.listing import Progress
from vesalius.data.outcomes import Decoded, Unreadable
from vesalius.data.readers import DECODER, read, read_bytes
from vesalius.data.readers.depth import to_storable
from vesalius.data.reducing import reduced
from vesalius.data.settings import StoreSettings
from vesalius.data.table import SampleTable
from vesalius.data.upkeep import computed_folder, root_mark
from vesalius.errors import UserError
from vesalius.files import atomic_write

NAMES = ("width", "height", "size_in_bytes", "sharpness", "snr", "mean_red", "mean_green", "mean_blue", "contrast")

_VERSION = 1
"""Raised whenever the same pixels would give other values."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_KIND = np.dtype([("id", "<u8"), ("size", "<i8"), ("changed", "<i8"), *((name, "<f8") for name in NAMES)])
_AS_THEY_ARE = StoreSettings()


@dataclass(frozen=True)
class Computed:
    """``values`` (N,) by name of ``NAMES``, NaN where an image could not be read; ``refused``: why not, by row."""

    values: Mapping[str, NDArray[np.float64]]
    refused: Mapping[int, str]


def computed(table: SampleTable, names: tuple[str, ...] = NAMES, *, threads: int | None = None, progress: Progress | None = None) -> Computed:
    """The values of every row of ``table``; each file is read once, and not again until it changes. Sizes of files alone read none.

    What was done is kept also when it is interrupted. Raises UserError for volumes.
    """
    if table.dims == 3:
        raise UserError("Computed metadata (lightly.sharpness and others) are of images, and these data are volumes. Give their values as columns meta.NAME.")
    files = FileStates.of(table)
    if set(names) <= {"size_in_bytes"}:
        sizes = np.where(files.sizes >= 0, files.sizes, np.nan)
        return Computed({"size_in_bytes": sizes}, {int(row): "The file is not there." for row in np.flatnonzero(files.sizes < 0)})
    place = computed_folder() / f"{root_mark(table.root, table.private)}-{_VERSION}-{DECODER}.npy"
    kept = _kept(place)
    found = np.zeros(len(table), _KIND)
    found["id"], found["size"], found["changed"] = table.ids, files.sizes, files.changed
    where = np.searchsorted(kept["id"], table.ids).clip(max=max(0, len(kept) - 1))
    same = np.zeros(len(table), bool)
    if len(kept):
        was = kept[where]
        same = (was["id"] == table.ids) & (was["size"] == files.sizes) & (was["changed"] == files.changed) & (files.sizes >= 0)
        found[same] = was[same]
    todo, refused, done = np.flatnonzero(~same), dict[int, str](), same.copy()
    try:
        with ThreadPoolExecutor(threads) as pool:
            seen = 0
            for rows, results in pool.map(lambda rows: (rows, list(_of_file(table, files, rows))), _by_file(files, todo)):
                for row, result in zip(rows, results, strict=True):
                    if isinstance(result, Unreadable):
                        refused[row] = str(result)
                    else:
                        found[row] = (found["id"][row], files.sizes[row], files.changed[row], *(result[name] for name in NAMES))
                        done[row] = True
                seen += len(rows)
                if progress is not None:
                    progress(seen, len(todo))
    finally:
        if (done & ~same).any():
            _keep(place, kept, found[done])
    for row in refused:
        for name in NAMES:
            found[name][row] = np.nan
    return Computed({name: found[name].astype(np.float64) for name in names}, refused)


def measured(pixels: NDArray[np.float32]) -> dict[str, float]:
    """The values of ``(C, H, W)`` pixels between 0 and 1, all but the file's size. Of other than 3 channels grey is their mean."""
    channels, height, width = pixels.shape
    means = pixels.mean((1, 2), dtype=np.float64)
    red, green, blue = means if channels == 3 else (float(means.mean()),) * 3
    grey = np.tensordot(_LUMA, pixels, 1) if channels == 3 else pixels.mean(0)
    deviation = float(grey.std(dtype=np.float64))
    return {
        "width": width,
        "height": height,
        "sharpness": _sharpness(grey),
        "snr": float(grey.mean(dtype=np.float64)) / deviation if deviation > 1e-12 else np.nan,
        "mean_red": float(red),
        "mean_green": float(green),
        "mean_blue": float(blue),
        "contrast": deviation,
    }


def _sharpness(grey: NDArray[np.float32]) -> float:
    if min(grey.shape) < 3:
        return 0.0
    middle = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * middle
    return float((laplacian * 255).var(dtype=np.float64))


def _by_file(files: FileStates, rows: NDArray[np.int64]) -> Iterator[list[int]]:
    """Rows of one file together, a few at a time where it is an array of many."""
    together: dict[str, list[int]] = {}
    for row in rows.tolist():
        together.setdefault(files.names[row], []).append(row)
    for several in together.values():
        yield from (several[start : start + 256] for start in range(0, len(several), 256))


def _of_file(table: SampleTable, files: FileStates, rows: list[int]) -> Iterator[dict[str, float] | Unreadable]:
    columns = (table.frame["uri"], table.frame["frame"], table.frame["box"])
    first = rows[0]
    data: bytes | Unreadable = b""
    if table.container is None:
        source: Path | str | Callable[[], bytes] = files.paths[first]
        if files.objects is not None:
            objects = files.objects
            source = lambda: objects.read(files.names[first])  # noqa: E731
        try:
            data = read_bytes(source)
        except Unreadable as error:
            data = error
    for row in rows:
        uri, frame, box = (column.iloc[row] for column in columns)
        try:
            if isinstance(data, Unreadable):
                raise data
            decoded = read(data, int(frame)) if table.container is None else _of_array(table.container(str(uri)), int(frame))
            cut = reduced(decoded, box, _AS_THEY_ARE)
            values = measured(cut.pixels.astype(np.float32) * np.float32(cut.scale) + np.float32(cut.offset))
            yield {**values, "size_in_bytes": float(files.sizes[row])}
        except Unreadable as error:
            yield error


def _of_array(array: Any, frame: int) -> Decoded:
    pixels = np.ascontiguousarray(array[frame])
    return to_storable(pixels if pixels.ndim == 3 else pixels[..., None])


def _kept(place: Path) -> NDArray[Any]:
    try:
        kept: NDArray[Any] = np.load(place, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return np.zeros(0, _KIND)
    with suppress(OSError):
        os.utime(place)  # used now: `data prune` deletes what nobody looked at for long
    return kept if kept.dtype == _KIND else np.zeros(0, _KIND)


def _keep(place: Path, before: NDArray[Any], now: NDArray[Any]) -> None:
    """``now`` beside what was kept of other rows."""
    rows = np.concatenate([before[~np.isin(before["id"], now["id"])], now])
    buffer = io.BytesIO()
    np.save(buffer, rows[np.argsort(rows["id"], kind="stable")], allow_pickle=False)
    atomic_write(place, buffer.getvalue())
