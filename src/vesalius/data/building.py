"""Decoding what is not stored yet: many files at once, in bounded memory, each decoded exactly once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data import readers
from vesalius.data.fetching import Read, ahead
from vesalius.data.file_states import FileStates
from vesalius.data.outcomes import PASSING, Decoded, Kind, Unreadable
from vesalius.data.pool import Writer
from vesalius.data.readers.depth import to_storable
from vesalius.data.records import Records
from vesalius.data.reducing import reduced
from vesalius.data.settings import StoreSettings, Window
from vesalius.errors import NoRoom
from vesalius.files import Objects

if TYPE_CHECKING:
    from vesalius.data.table import SampleTable

Progress = Callable[[int, int], None]
"""Called some twenty times a second with how many samples are stored, and of how many."""

RETRY = -2
"""In place of a file's size: this refusal is tried again at the next build."""

_SHOW_SECONDS = 0.05
_TASK_BYTES = 16 << 20  # about what one task may hold, so that memory stays bounded whatever the images' size
_TASK_ROWS = 512
_CUT_OFF = 32  # so many files in a row that could not be fetched: the server is gone, not the files


@dataclass(frozen=True)
class Sources:
    """The columns of a table that decoding needs. ``sizes``, ``changed``: each file's state, -1 where it is absent.

    ``objects`` fetches ``files``, names below the root, where that is an address; None where ``paths`` are opened.
    """

    ids: NDArray[np.uint64]
    paths: Sequence[str]
    uris: Sequence[str]
    frames: NDArray[np.int64]
    boxes: Sequence[Sequence[float] | None]
    sizes: NDArray[np.int64]
    changed: NDArray[np.int64]
    container: Callable[[str], NDArray[Any]] | None
    files: Sequence[str] = ()
    objects: Objects | None = None

    @classmethod
    def of(cls, table: SampleTable) -> Sources:
        """Read the columns and ask about each file once."""
        frame, states = table.frame, FileStates.of(table)
        uris, frames, boxes = frame["uri"].tolist(), frame["frame"].to_numpy(np.int64), frame["box"].tolist()
        return cls(
            table.ids, states.paths, uris, frames, boxes, states.sizes, states.changed, table.container, states.names, states.objects
        )


@dataclass(frozen=True)
class Made:
    """What became of one sample: pixels, the digest of a record already stored, or why there are none."""

    row: int
    digest: bytes = b""
    decoded: Decoded | None = None
    refused: Unreadable | None = None


def fill(
    sources: Sources,
    todo: NDArray[np.int64],
    settings: StoreSettings,
    stored: Records,
    writer: Writer,
    threads: int,
    progress: Progress | None,
) -> None:
    """Decode the rows ``todo`` into ``writer``; records whose digest is among ``stored`` are used again."""
    good = stored.rows[stored.rows["reason"] < 0]
    digests = good["digest"].tobytes()
    known: dict[bytes, int | tuple[object, ...]] = {digests[16 * n : 16 * n + 16]: n for n in range(len(good))}
    total, done, shown, cut_off = len(sources.ids), len(sources.ids) - len(todo), 0.0, 0
    for made in _decoded(sources, todo, settings, known, threads):
        row = made.row
        state: tuple[object, ...] = (sources.ids[row], sources.sizes[row], sources.changed[row])
        cut_off = cut_off + 1 if made.refused is not None and made.refused.kind is Kind.UNREACHABLE else 0
        if cut_off >= _CUT_OFF:
            writer.commit()
            raise NoRoom(
                f"The last {cut_off} files could not be fetched: the connection to the data is lost. {done - cut_off + 1:,} of {total:,} images"
                " are stored. Run the same command again: it goes on there."
            )
        if made.refused is not None:
            if made.refused.kind in PASSING:
                state = (sources.ids[row], RETRY, RETRY)
            writer.note((*state, b"", 0, 0, (0, 0, 0), False, 0.0, 0.0, 0.0, 0.0), str(made.refused))
        else:
            if made.digest not in known:
                known[made.digest] = _written(made.decoded, writer)
            place = known[made.digest]
            writer.note((*state, made.digest, *(_place(good[place]) if isinstance(place, int) else place)))
        done += 1
        if progress is not None and (done == total or time.monotonic() - shown > _SHOW_SECONDS):
            progress(done, total)
            shown = time.monotonic()
        writer.commit_if_due()


def _written(decoded: Decoded | None, writer: Writer) -> tuple[object, ...]:
    assert decoded is not None
    pixels = decoded.pixels
    start = writer.append(pixels.reshape(-1).view(np.uint8).data)
    deep = pixels.dtype == np.uint16
    return writer.number, start, pixels.shape, deep, decoded.scale, decoded.offset, decoded.low, decoded.high


def _place(row: np.void) -> tuple[object, ...]:
    names = ("file", "start", "shape", "deep", "scale", "offset", "low", "high")
    return tuple(tuple(row[name]) if name == "shape" else row[name] for name in names)


def _decoded(
    sources: Sources,
    todo: NDArray[np.int64],
    settings: StoreSettings,
    known: Mapping[bytes, object],
    threads: int,
) -> Iterator[Made]:
    """Results in the order of tasks. Few tasks are under way at once, so that memory stays bounded."""
    under_way: deque[Future[list[Made]]] = deque()
    with (
        closing(_tasks(sources, todo, settings, known)) as tasks,
        ThreadPoolExecutor(threads, thread_name_prefix="decode") as executor,
    ):
        try:
            for task in tasks:
                under_way.append(executor.submit(task))
                if len(under_way) > 2 * threads:
                    yield from under_way.popleft().result()
            while under_way:
                yield from under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


def _tasks(
    sources: Sources, todo: NDArray[np.int64], settings: StoreSettings, known: Mapping[bytes, object]
) -> Generator[Callable[[], list[Made]], None, None]:
    """One task per file, or per stretch of rows where a file has many."""
    by_file: dict[str, list[int]] = {}
    for row in todo.tolist():
        by_file.setdefault(sources.uris[row], []).append(row)
    if sources.container is not None:
        for uri, rows in by_file.items():
            array = sources.container(uri)
            for part in _parts(rows, array.nbytes // max(1, len(array))):
                yield partial(_from_array, array, part, sources, settings, known)
        return
    for rows, read in _opened(sources, list(by_file.values())):
        unpacked = 8 * int(sources.sizes[rows[0]])  # a common ratio of compression
        for part in _parts(rows, unpacked // len(rows)):
            yield partial(_from_file, part, read, sources, settings, known)


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
        return Made(row, digest, reduced(decoded, box, settings))
    except Unreadable as refused:
        return Made(row, refused=refused)


def record_digest(source: bytes, frame: int, box: Sequence[float] | None, settings: StoreSettings) -> bytes:
    """A record's address (16 bytes): its source's bytes, what was taken of them, and how."""
    how = f"{frame}|{None if box is None else [float(side) for side in box]}|{settings.key}|{readers.DECODER}"
    return blake2b(source + how.encode(), digest_size=16).digest()
