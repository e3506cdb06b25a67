"""What the pixel stores take on disk, and deleting those, and values computed of images, that are no longer needed."""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vesalius import random
from vesalius.data import identity
from vesalius.data.pool import Pool
from vesalius.files import absolute, cache_folder, sibling


@dataclass(frozen=True)
class StoreInfo:
    """One store. ``source``: the data set; ``records``: samples with pixels; ``last_used``: seconds since the epoch."""

    name: str
    source: str
    size: int | str
    channels: int | str
    records: int
    left_out: int
    bytes: int
    last_used: float
    folder: Path
    root: str


def stores_folder(cache: Path | None = None) -> Path:
    """Where the stores lie."""
    return (cache or cache_folder()) / "stores"


def computed_folder(cache: Path | None = None) -> Path:
    """Where the values lie that were computed of images (``data.computed``), a file for each data set, named by its ``root_mark``."""
    return (cache or cache_folder()) / "computed"


def root_mark(root: str | Path, private: bool) -> str:
    """What stands for a data set's folder in the cache: a hash, under the user's key where the data are private."""
    key = identity.user_key() if private else identity.PUBLIC
    return f"{random.digest64('root', key, absolute(root)):016x}"


def inspect(cache: Path | None = None) -> list[StoreInfo]:
    """All stores, the last used first. Folders that are no store are passed over."""
    found = []
    for about in stores_folder(cache).glob("[!.]*/store.json"):
        with suppress(OSError, ValueError, KeyError):
            found.append(_info(about))
    return sorted(found, key=lambda info: -info.last_used)


def prune(
    older_than_days: float | None = None,
    max_bytes: int | None = None,
    dataset: str | None = None,
    *,
    cache: Path | None = None,
) -> int:
    """Delete stores and computed values, by any of three rules, and return the bytes that were freed. No rule, nothing deleted.

    ``older_than_days``: not used for so long. ``dataset``: of this source, of this folder, or of this store name.
    ``max_bytes``: the least recently used, until the others fit. A run that has a deleted store open may go on: its
    pixels vanish from the disk when it ends. Raises UserError when a store is being built.
    """
    freed = 0
    for leftover in stores_folder(cache).glob(".*.tmp-*/"):  # of a prune that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    kept: list[StoreInfo | _Values] = []
    roots = {root_mark(dataset, private) for private in (False, True)} if dataset is not None else set()
    for info in inspect(cache):
        meant = dataset is not None and (dataset in (info.source, info.name) or info.root in roots)
        if meant:
            roots.add(info.root)
        if meant or _old(info.last_used, older_than_days):
            freed += _delete(info)
        else:
            kept.append(info)
    for values in _computed(cache):
        if values.root in roots or _old(values.last_used, older_than_days):
            freed += _delete(values)
        else:
            kept.append(values)
    kept.sort(key=lambda info: -info.last_used)
    left = sum(info.bytes for info in kept)
    while max_bytes is not None and kept and left > max_bytes:
        last = kept.pop()
        left -= last.bytes
        freed += _delete(last)
    return freed


def _info(about: Path) -> StoreInfo:
    words = json.loads(about.read_text())
    rows = Pool(about.parent).load().rows
    good = int((rows["reason"] < 0).sum())
    size = sum(file.stat().st_size for file in about.parent.iterdir() if file.is_file())
    return StoreInfo(
        about.parent.name,
        str(words["source"]),
        words["size"],
        words["channels"],
        good,
        len(rows) - good,
        size,
        about.stat().st_mtime,
        about.parent,
        str(words["root"]),
    )


@dataclass(frozen=True)
class _Values:
    """A file of computed values."""

    root: str
    bytes: int
    last_used: float
    file: Path


def _computed(cache: Path | None) -> list[_Values]:
    found = []
    for file in computed_folder(cache).glob("[!.]*.npy"):
        with suppress(OSError):
            about = file.stat()
            found.append(_Values(file.name.partition("-")[0], about.st_size, about.st_mtime, file))
    return found


def _old(last_used: float, days: float | None) -> bool:
    return days is not None and time.time() - last_used > days * 86400


def _delete(info: StoreInfo | _Values) -> int:
    if isinstance(info, _Values):
        info.file.unlink(missing_ok=True)
        return info.bytes
    with Pool(info.folder).lock(patience=2.0):
        aside = sibling(info.folder)  # renamed first: a half-deleted store is never opened
        os.rename(info.folder, aside)
        shutil.rmtree(aside, ignore_errors=True)
    return info.bytes
