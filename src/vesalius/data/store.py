"""The pixel store: every image decoded once, kept as raw records that are mapped into memory.

A store's folder is named by data source and settings and holds numbers and pixels only, no path and no name. Adding,
removing or sorting files decodes what is new and nothing else.
"""

from __future__ import annotations

import logging
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from vesalius import random
from vesalius.data.building import RETRY, Progress, Sources, fill
from vesalius.data.kinds import Kind, kind_of
from vesalius.data.pixel_store import PixelStore
from vesalius.data.plan import Plan
from vesalius.data.pool import FORMAT, Pool, Writer
from vesalius.data.record_store import RecordStore
from vesalius.data.records import Records
from vesalius.data.settings import StoreSettings
from vesalius.data.upkeep import StoreInfo, inspect, prune, root_mark, stores_folder
from vesalius.data.volumes.codec import Codec
from vesalius.data.volumes.volume_store import VolumeStore
from vesalius.errors import TooManyBadFiles, UserError
from vesalius.files import require_room

if TYPE_CHECKING:
    from vesalius.data.table import SampleTable

__all__ = ["PixelStore", "StoreInfo", "StoreSettings", "VolumeStore", "build", "estimate", "inspect", "open", "prune"]

_log = logging.getLogger(__name__)

_HEADROOM = 32 << 20  # bytes left free beside the pixels: index, temporaries


@overload
def build(
    table: SampleTable,
    settings: Plan,
    progress: Progress | None = None,
    *,
    cache: Path | None = None,
    threads: int | None = None,
    max_bad_share: float = 0.05,
    codec: Codec = "raw",
) -> VolumeStore: ...
@overload
def build(
    table: SampleTable,
    settings: StoreSettings | None = None,
    progress: Progress | None = None,
    *,
    cache: Path | None = None,
    threads: int | None = None,
    max_bad_share: float = 0.05,
) -> PixelStore: ...
def build(
    table: SampleTable,
    settings: StoreSettings | Plan | None = None,
    progress: Progress | None = None,
    *,
    cache: Path | None = None,
    threads: int | None = None,
    max_bad_share: float = 0.05,
    codec: Codec = "raw",
) -> RecordStore:
    """Decode what is not stored yet and open the store of ``table``: images by settings, volumes by a plan.

    ``progress(done, total)`` counts samples. Of several processes one decodes while the others wait for its lock; a
    killed build is continued. ``threads``: two per core when None, of volumes one; fewer work where memory is short.
    ``codec``: how new volumes are packed. Raises NoRoom before decoding when the disk has too
    little room, TooManyBadFiles when more than ``max_bad_share`` of the samples, or all of them, could not be read.
    """
    kind = kind_of(table, settings, codec)
    pool, sources = _pool(table, kind, cache), Sources.of(table)
    records = pool.load()
    if len(_todo(records, sources, again=True)):
        with pool.lock() as lock:
            if lock.waited:
                _log.info("another process was building the store of %s", table.source)
            if missing := pool.missing_bytes():
                _log.warning("the stored pixels of %s had lost %d bytes; those are decoded anew", table.source, missing)
            records = pool.load()
            todo = _todo(records, sources, again=True)
            if len(todo):
                need = kind.estimate(sources, todo)
                require_room(pool.folder, need + _HEADROOM, f"storing the pixels of {table.source}")
                with Writer(pool, lock) as writer:
                    pool.write_about({"source": table.source, "root": root_mark(table.root, table.private), **kind.about()})
                    tasks = partial(kind.tasks, sources, todo)
                    fill(sources, len(todo), tasks, records, writer, threads or kind.threads, progress, kind.word)
        records = pool.load()
    elif progress is not None:
        progress(len(sources.ids), len(sources.ids))
    pool.note_use()
    store = kind.opened(pool, _of_table(records, sources.ids), table)
    _check_share(store, sources, max_bad_share, kind.word)
    return store


@overload
def open(table: SampleTable, settings: Plan, *, cache: Path | None = None) -> VolumeStore: ...
@overload
def open(table: SampleTable, settings: StoreSettings | None = None, *, cache: Path | None = None) -> PixelStore: ...
def open(table: SampleTable, settings: StoreSettings | Plan | None = None, *, cache: Path | None = None) -> RecordStore:
    """Open the store of ``table``, decode nothing. Raises UserError when samples are missing or the store was cut."""
    kind = kind_of(table, settings)
    pool, sources = _pool(table, kind, cache), Sources.of(table)
    records = pool.load()
    todo = _todo(records, sources, again=False)
    if len(todo):
        missing = pool.missing_bytes()
        cut = f" Its pixel file is {missing:,} bytes shorter than its index says: it was cut." if missing else ""
        raise UserError(
            f"{len(todo):,} of {len(sources.ids):,} samples of {table.source} are not stored at {kind.key}.{cut} "
            "Build the store again: what is there is kept, and only what is missing is decoded."
        )
    pool.note_use()
    return kind.opened(pool, _of_table(records, sources.ids), table)


def estimate(table: SampleTable, settings: StoreSettings | Plan | None = None, *, cache: Path | None = None) -> int:
    """Bytes that ``build`` would add, judged by some of the files' headers."""
    kind, sources = kind_of(table, settings), Sources.of(table)
    return kind.estimate(sources, _todo(_pool(table, kind, cache).load(), sources, again=False))


def _pool(table: SampleTable, kind: Kind, cache: Path | None) -> Pool:
    key = random.digest64("store", table.source, root_mark(table.root, table.private), kind.key, kind.version, FORMAT)
    word = re.sub(r"[^a-z0-9]+", "-", table.source.lower()).strip("-")[:40]
    return Pool(stores_folder(cache) / f"{word}-{kind.key}-{key:016x}")


def _todo(records: Records, sources: Sources, *, again: bool) -> NDArray[np.int64]:
    """Rows of the table that are not stored, or whose file has changed; ``again``: also refusals worth another try."""
    places, found = _find(records, sources.ids)
    rows = records.rows[places] if len(records) else np.zeros(len(places), records.rows.dtype)
    same = (rows["bytes"] == sources.sizes) & (rows["changed"] == sources.changed)
    if not again:
        same |= rows["bytes"] == RETRY
    return np.flatnonzero(~(found & same))


def _of_table(records: Records, ids: NDArray[np.uint64]) -> Records:
    places, found = _find(records, ids)
    if not found.all():
        raise UserError("Stored pixels vanished while they were opened; run the same command again.")
    return Records(records.rows[places], records.sentences)


def _find(records: Records, ids: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Each id's row in ``records``, which are in the order of ids, and whether it is there."""
    known = records.rows["id"]
    if not len(known):
        return np.zeros(len(ids), np.int64), np.zeros(len(ids), bool)
    places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return places, known[places] == ids


def _check_share(store: RecordStore, sources: Sources, max_bad_share: float, word: str) -> None:
    bad, total = len(store.left_out), len(sources.ids)
    if bad <= max_bad_share * total and (len(store) or not total):
        return
    path = dict(zip(sources.ids.tolist(), sources.paths))
    first = "; ".join(f"{number:016x}: {reason.rstrip('.')}" for number, reason in store.left_out[:5])
    some = bad < total
    error = TooManyBadFiles(
        f"{bad:,} of {total:,} {word} of {store.name} could not be read{f', more than the allowed share of {max_bad_share:.0%}' if some else ''}. "
        f"The first: {first}. Remove or repair them{', or allow a larger share (max_bad_share)' if some else ', or give other data'}."
    )
    for number, _ in store.left_out[:20]:  # a note, because a log may hold ids but no names
        error.add_note(f"{number:016x} is {path[number]}")
    raise error

