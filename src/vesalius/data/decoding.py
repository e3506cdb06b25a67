"""From image files to records: each file read once, each frame decoded once, a few megabytes to a task."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data import readers
from vesalius.data.building import Made, Sources, Task
from vesalius.data.fetching import Read, ahead
from vesalius.data.outcomes import Decoded, Unreadable
from vesalius.data.readers.depth import to_storable
from vesalius.data.records import Record
from vesalius.data.reducing import reduced
from vesalius.data.settings import StoreSettings, Window

_TASK_BYTES = 16 << 20  # about what one task may hold, so that memory stays bounded whatever the images' size
_TASK_ROWS = 512


def tasks(
    sources: Sources, todo: NDArray[np.int64], settings: StoreSettings, known: Mapping[bytes, object]
) -> Generator[Task, None, None]:
    """One task per file, or per stretch of rows where a file has many."""
    by_file: dict[str, list[int]] = {}
    for row in todo.tolist():
        by_file.setdefault(sources.uris[row], []).append(row)
    if sources.container is not None:
        for uri, rows in by_file.items():
            array = sources.container(uri)
            for part in _parts(rows, array.nbytes // max(1, len(array))):
                yield Task(partial(_from_array, array, part, sources, settings, known))
        return
    for rows, read in _opened(sources, list(by_file.values())):
        unpacked = 8 * int(sources.sizes[rows[0]])  # a common ratio of compression
        for part in _parts(rows, unpacked // len(rows)):
            yield Task(partial(_from_file, part, read, sources, settings, known))


def _opened(sources: Sources, files: list[list[int]]) -> Iterator[tuple[list[int], Read | str]]:
    """The rows of each file with its path, or with what gives its bytes, once fetched."""
    if sources.objects is None:
        return ((rows, sources.paths[rows[0]]) for rows in files)
    return ahead(sources.objects, ((rows, sources.files[rows[0]], max(0, int(sources.sizes[rows[0]]))) for rows in files))


def _parts(rows: list[int], bytes_each: int) -> Iterator[list[int]]:
    """``rows`` in stretches of about ``_TASK_BYTES``, but not of so few that a file is read over and over."""
    step = min(_TASK_ROWS, max(4, _TASK_BYTES // max(1, bytes_each)))
    return (rows[start : start + step] for start in range(0, len(rows), step))


def _from_file(
    rows: list[int], read: Read | str, sources: Sources, settings: StoreSettings, known: Mapping[bytes, object]
) -> list[Made]:
    """All samples of one file: its bytes are read once, each frame is decoded once, whatever its boxes."""
    try:
        data = readers.read_bytes(read)
    except Unreadable as refused:
        return [Made(row, refused=refused) for row in rows]
    source = blake2b(data, digest_size=16).digest()
    decoded: dict[tuple[int, int | None], Decoded | Unreadable] = {}
    out: list[Made] = []
    for row in rows:
        frame, box = int(sources.frames[row]), sources.boxes[row]
        digest = record_digest(source, frame, box, settings)
        if digest in known:
            out.append(Made(row, digest))
            continue
        enough = settings.size if settings.size != "native" and box is None else None
        if (frame, enough) not in decoded:
            decoded = {(frame, enough): _tried(data, frame, enough, settings.window)}
        out.append(_finished(row, digest, decoded[frame, enough], box, settings))
    return out


def _from_array(
    array: NDArray[Any], rows: list[int], sources: Sources, settings: StoreSettings, known: Mapping[bytes, object]
) -> list[Made]:
    out: list[Made] = []
    for row in rows:
        frame, box = int(sources.frames[row]), sources.boxes[row]
        try:
            pixels = np.ascontiguousarray(array[frame])
        except Unreadable as refused:  # an item of a user's data set
            out.append(Made(row, refused=refused))
            continue
        pixels = pixels if pixels.ndim == 3 else pixels[..., None]
        source = blake2b(pixels.reshape(-1).view(np.uint8).data, digest_size=16)
        source.update(f"{pixels.dtype.str}{pixels.shape}".encode())
        digest = record_digest(source.digest(), 0, box, settings)
        if digest in known:
            out.append(Made(row, digest))
            continue
        try:
            out.append(_finished(row, digest, to_storable(pixels), box, settings))
        except Unreadable as refused:
            out.append(Made(row, refused=refused))
    return out


def _tried(data: bytes, frame: int, enough: int | None, window: Window) -> Decoded | Unreadable:
    try:
        return readers.read(data, frame, enough=enough, window=window)
    except Unreadable as refused:
        return refused


def _finished(
    row: int, digest: bytes, decoded: Decoded | Unreadable, box: Sequence[float] | None, settings: StoreSettings
) -> Made:
    if isinstance(decoded, Unreadable):
        return Made(row, refused=decoded)
    try:
        return Made(row, digest, _record(reduced(decoded, box, settings)))
    except Unreadable as refused:
        return Made(row, refused=refused)


def _record(decoded: Decoded) -> Record:
    pixels = decoded.pixels
    bytes_ = pixels.reshape(-1).view(np.uint8).data
    deep = pixels.dtype == np.uint16
    return Record((bytes_,), (*pixels.shape, 1), deep, decoded.scale, decoded.offset, decoded.low, decoded.high)


def record_digest(source: bytes, frame: int, box: Sequence[float] | None, settings: StoreSettings) -> bytes:
    """A record's address (16 bytes): its source's bytes, what was taken of them, and how."""
    how = f"{frame}|{None if box is None else [float(side) for side in box]}|{settings.key}|{readers.DECODER}"
    return blake2b(source + how.encode(), digest_size=16).digest()
