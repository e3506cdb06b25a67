"""One folder of stored pixels: files of raw records that only grow, and an index that says how far they are valid.

Each build appends to a pixel file of its own and syncs it; then an index part naming the new records appears in one
step. Bytes behind a file's last indexed record are what a killed build left; nobody maps them, so readers need no lock,
and a builder that lost its lock can harm nobody: the lock only saves two processes from doing the same work.
"""

from __future__ import annotations

import json
import os
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from vesalius.data.records import RECORD, Record, Records
from vesalius.files import Lock, atomic_write, naming_failures, sweep_leftovers

FORMAT = 2
COMMIT_SECONDS = 5.0
COMMIT_BYTES = 1 << 28
"""A killed build loses at most this much time and this many bytes of decoding."""


class Pool:
    """The stored pixels of one data set under one setting; ``folder`` need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.about = folder / "store.json"

    def lock(self, patience: float | None = None) -> Lock:
        """The lock of whoever writes or deletes here. It lies beside the folder, so that the folder can vanish."""
        return Lock(self.folder.with_name(f"{self.folder.name}.lock"), patience=patience)

    def pixels(self, number: int) -> Path:
        """The pixel file that the build ``number`` wrote."""
        return self.folder / f"pixels-{number:05d}.bin"

    def load(self) -> Records:
        """The latest row of each id whose pixels are there: a cut pixel file or a damaged part costs its rows only."""
        records = self.history()
        return Records(records.rows[self._sound(records)], records.sentences).latest()

    def history(self) -> Records:
        """All rows ever written, superseded ones too."""
        for _ in range(50):
            with suppress(FileNotFoundError):  # a writer has just put several parts into one
                records = Records()
                for part in self.parts():
                    records = records.joined(_part(part))
                return records
            time.sleep(0.02)
        return Records()

    def missing_bytes(self) -> int:
        """How much the pixel files lack of what the index promises: 0 for a sound store."""
        records = self.history()
        there = self._sizes(records)
        return sum(max(0, end - there[number]) for number, end in _ends(records).items())

    def write_about(self, about: Mapping[str, object]) -> None:
        """What ``vesalius data`` lists; written when it changes."""
        text = json.dumps({"format": FORMAT, **about}, indent=1)
        if not self.about.exists() or self.about.read_text() != text:
            atomic_write(self.about, text)

    def note_use(self) -> None:
        """Note the time, for deletion by age. A read-only cache is no error."""
        with suppress(OSError):
            os.utime(self.about)

    def parts(self) -> list[Path]:
        """The files of the index, oldest first."""
        return sorted(self.folder.glob("index-*.npz"))

    def _sizes(self, records: Records) -> dict[int, int]:
        files = {int(number): self.pixels(int(number)) for number in np.unique(records.rows["file"])}
        return {number: file.stat().st_size if file.exists() else 0 for number, file in files.items()}

    def _sound(self, records: Records) -> NDArray[np.bool_]:
        sizes = self._sizes(records)
        there = np.array([sizes[int(number)] for number in records.rows["file"]], np.int64) if len(sizes) > 1 else None
        limit = there if there is not None else next(iter(sizes.values()), 0)
        sound: NDArray[np.bool_] = records.ends() <= limit
        return sound


class Writer:
    """``with Writer(pool, lock) as writer:`` appends records to a new pixel file and rows to the index."""

    def __init__(self, pool: Pool, lock: Lock) -> None:
        self.pool, self._lock = pool, lock
        self._rows: list[tuple[object, ...]] = []
        self._sentences: list[str] = []
        self._end = self._committed = 0
        self._committed_at = time.monotonic()

    def __enter__(self) -> Writer:
        with naming_failures(self.pool.folder):
            self.pool.folder.mkdir(parents=True, exist_ok=True)
            sweep_leftovers(self.pool.folder)
            self._tidy()
            taken = [int(file.stem.partition("-")[2]) for file in self.pool.folder.glob("pixels-*.bin")]
            self.number = max(taken, default=0) + 1
            self._path = self.pool.pixels(self.number)
            self._file = open(self._path, "xb", buffering=1 << 22)
        return self

    def append(self, record: Record) -> tuple[object, ...]:
        """Write one record; returns its ``PLACE``. 16-bit records begin at even offsets."""
        try:
            if record.deep and self._end % 2:
                self._end += self._file.write(b"\0")
            start = self._end
            for part in record.parts:
                self._file.write(part)
        except OSError:
            with naming_failures(self._path):
                raise
        self._end += record.length
        return record.place(self.number, start)

    def note(self, row: tuple[object, ...], sentence: str | None = None) -> None:
        """Add a row of the index without its last field, ``reason``, which ``sentence`` gives."""
        self._rows.append((*row, -1 if sentence is None else len(self._sentences)))
        if sentence is not None:
            self._sentences.append(sentence)

    def commit_if_due(self) -> None:
        """Commit when enough has gathered."""
        if time.monotonic() - self._committed_at > COMMIT_SECONDS or self._end - self._committed > COMMIT_BYTES:
            self.commit()

    def commit(self) -> None:
        """Make what was appended durable, then visible. Raises NoRoom, or LockLost when another process took over."""
        if self._rows:
            with naming_failures(self._path):
                self._file.flush()
                os.fsync(self._file.fileno())
                self._lock.check()
                self._write_part(Records(np.array(self._rows, RECORD), self._sentences))
            self._rows, self._sentences, self._committed = [], [], self._end
        self._committed_at = time.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None or kind is KeyboardInterrupt:
                self.commit()
        finally:
            with suppress(OSError):  # the flush of what a full disk did not take
                self._file.close()
            os.truncate(self._path, self._committed)  # gives back the room of what was not committed
            if self._committed == 0:
                self._path.unlink()
        if kind is None:
            self._tidy()

    def _write_part(self, records: Records) -> None:
        parts = self.pool.parts()
        number = int(parts[-1].stem.split("-")[1]) + 1 if parts else 1
        atomic_write(self.pool.folder / f"index-{number:08d}-{os.urandom(4).hex()}.npz", records.to_bytes())

    def _tidy(self) -> None:
        """Put the index into one part; cut off and delete what killed builds left behind."""
        parts = self.pool.parts()
        history = self.pool.history()
        if len(parts) > 1:
            self._lock.check()
            self._write_part(history)
            for part in parts:
                part.unlink(missing_ok=True)
        ends = _ends(history)
        for file in self.pool.folder.glob("pixels-*.bin"):
            end = ends.get(int(file.stem.partition("-")[2]), 0)
            if end == 0:
                file.unlink()
            elif file.stat().st_size > end:
                os.truncate(file, end)


def _ends(records: Records) -> dict[int, int]:
    """Where the last record of each pixel file stops."""
    ends = records.ends()
    return {int(n): int(ends[records.rows["file"] == n].max()) for n in np.unique(records.rows["file"]) if n > 0}


def _part(path: Path) -> Records:
    try:
        return Records.from_bytes(path.read_bytes())
    except FileNotFoundError:
        raise
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile):
        return Records()  # damaged: its records are decoded anew
