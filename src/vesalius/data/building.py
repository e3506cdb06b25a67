"""Decoding what is not stored yet: many files at once, in bounded memory, each decoded exactly once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vesalius.data.file_states import FileStates
from vesalius.data.memory import free_memory
from vesalius.data.outcomes import PASSING, Kind, Unreadable
from vesalius.data.pool import Writer
from vesalius.data.records import NOWHERE, PLACE, Record, Records
from vesalius.errors import NoRoom
from vesalius.files import Objects

if TYPE_CHECKING:
    from vesalius.data.table import SampleTable

Progress = Callable[[int, int], None]
"""Called some twenty times a second with how many samples are stored, and of how many."""

RETRY = -2
"""In place of a file's size: this refusal is tried again at the next build."""

_SHOW_SECONDS = 0.05
_CUT_OFF = 32  # so many files in a row that could not be fetched: the server is gone, not the files


@dataclass(frozen=True)
class Sources:
    """The columns of a table that decoding needs. ``sizes``, ``changed``: each file's state, -1 where it is absent.

    ``objects`` fetches ``files``, names below the root, where that is an address; None where ``paths`` are opened. ``masks``:
    of volumes the paths of their label volumes, whose states are in ``sizes`` and ``changed`` too.
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
    masks: Sequence[str | None] = ()

    @classmethod
    def of(cls, table: SampleTable) -> Sources:
        """Read the columns and ask about each file once."""
        frame, states = table.frame, FileStates.of(table)
        uris, frames, boxes = frame["uri"].tolist(), frame["frame"].to_numpy(np.int64), frame["box"].tolist()
        sizes, changed = states.sizes, states.changed
        masks: list[str | None] = []
        if table.dims == 3 and table.container is None and "mask" in frame and frame["mask"].notna().any():
            masks = [None] * len(frame)
            sizes, changed = sizes.copy(), changed.copy()
            at = np.flatnonzero(frame["mask"].notna())
            of_masks = FileStates.of(table, frame["mask"].iloc[at].tolist())
            for row, path in zip(at.tolist(), of_masks.paths):
                masks[row] = path
            both = (sizes[at] >= 0) & (of_masks.sizes >= 0)
            sizes[at] = np.where(both, sizes[at] + of_masks.sizes, -1)
            changed[at] = np.where(both, changed[at] ^ (of_masks.changed >> 1), -1)
        paths, files, objects = states.paths, states.names, states.objects
        return cls(table.ids, paths, uris, frames, boxes, sizes, changed, table.container, files, objects, masks)


@dataclass(frozen=True)
class Made:
    """What became of one sample: a record, the digest of one already stored, or why there is none."""

    row: int
    digest: bytes = b""
    record: Record | None = None
    refused: Unreadable | None = None


class Task(NamedTuple):
    """Some samples to decode; ``held``: bytes of memory that takes, where it is much."""

    work: Callable[[], list[Made]]
    held: int = 0


Tasks = Callable[[Mapping[bytes, object]], Generator[Task, None, None]]
"""What is to be decoded, given the digests of what is stored."""


def fill(
    sources: Sources, todo: int, tasks: Tasks, stored: Records, writer: Writer, threads: int, progress: Progress | None, word: str
) -> None:
    """Decode ``tasks``, of ``todo`` samples, into ``writer``; records whose digest is among ``stored`` are used again.

    ``word``: what the samples are, images or volumes.
    Raises NoRoom where the disk is full or the connection to the data is lost; what is stored stays.
    """
    good = stored.rows[stored.rows["reason"] < 0]
    digests = good["digest"].tobytes()
    known: dict[bytes, int | tuple[object, ...]] = {digests[16 * n : 16 * n + 16]: n for n in range(len(good))}
    total, done, shown, cut_off = len(sources.ids), len(sources.ids) - todo, 0.0, 0
    for made in _decoded(tasks(known), threads):
        row = made.row
        state: tuple[object, ...] = (sources.ids[row], sources.sizes[row], sources.changed[row])
        cut_off = cut_off + 1 if made.refused is not None and made.refused.kind is Kind.UNREACHABLE else 0
        if cut_off >= _CUT_OFF:
            writer.commit()
            raise NoRoom(
                f"The last {cut_off} files could not be fetched: the connection to the data is lost. {done - cut_off + 1:,} of {total:,} {word}"
                " are stored. Run the same command again: it goes on there."
            )
        if made.refused is not None:
            if made.refused.kind in PASSING:
                state = (sources.ids[row], RETRY, RETRY)
            writer.note((*state, *NOWHERE), str(made.refused))
        else:
            if made.digest not in known:
                assert made.record is not None
                known[made.digest] = writer.append(made.record)
            place = known[made.digest]
            writer.note((*state, made.digest, *(_place(good[place]) if isinstance(place, int) else place)))
        done += 1
        if progress is not None and (done == total or time.monotonic() - shown > _SHOW_SECONDS):
            progress(done, total)
            shown = time.monotonic()
        writer.commit_if_due()


def _place(row: np.void) -> tuple[object, ...]:
    return tuple(tuple(row[name]) if name == "shape" else row[name] for name in PLACE)


def _decoded(tasks: Generator[Task, None, None], threads: int) -> Iterator[Made]:
    """Results in the order of tasks. Few tasks are under way at once, and no more than fit half of the free memory."""
    under_way: deque[tuple[Future[list[Made]], int]] = deque()
    held = room = 0

    def oldest() -> list[Made]:
        nonlocal held
        future, freed = under_way.popleft()
        made = future.result()
        held -= freed
        return made

    with closing(tasks), ThreadPoolExecutor(threads, thread_name_prefix="decode") as executor:
        try:
            for task in tasks:
                if task.held and not under_way:
                    room = free_memory() // 2
                while under_way and task.held and held + task.held > room:
                    yield from oldest()
                under_way.append((executor.submit(task.work), task.held))
                held += task.held
                if len(under_way) > 2 * threads:
                    yield from oldest()
            while under_way:
                yield from oldest()
        finally:
            for future, _ in under_way:
                future.cancel()
