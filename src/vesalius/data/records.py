"""The index of stored pixels: which sample's record lies where, and why some have none."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, int, int, int]
"""Channels and sides of a record: C, H, W, 1 of an image; C, x, y, z of a volume."""

RECORD = np.dtype(
    [
        ("id", "<u8"),
        ("bytes", "<i8"),  # of the source file, with "changed" the sign that it is still the same
        ("changed", "<i8"),  # modification time in ns
        ("digest", "V16"),  # the record's address; zero where there is no record
        ("file", "<i4"),  # number of the pixel file, 0 where there is no record
        ("start", "<i8"),  # offset of the record in it
        ("length", "<i8"),  # bytes of the record
        ("shape", "<i4", (4,)),
        ("deep", "?"),  # uint16, not uint8
        ("packed", "?"),  # compressed
        ("facts", "<i4"),  # bytes at the record's end that describe it; none of an image
        ("scale", "<f8"),
        ("offset", "<f8"),
        ("low", "<f8"),
        ("high", "<f8"),
        ("reason", "<i4"),  # number of the sentence, -1 where the record is good
    ]
)
"""One row of the index. It holds no path, no name and no pixel: ids alone."""

PLACE = RECORD.names[RECORD.names.index("file") : -1]  # type: ignore[index,union-attr]
"""The fields that say where a record lies and how it is to be read."""

NOWHERE: tuple[object, ...] = (b"", 0, 0, 0, (0, 0, 0, 0), False, False, 0, 0.0, 0.0, 0.0, 0.0)
"""``digest`` and ``PLACE`` of a sample without a record."""


class Record(NamedTuple):
    """One record on its way to a pixel file: ``parts`` one behind the other, the last ``facts`` bytes describing it."""

    parts: tuple[memoryview | bytes, ...]
    shape: Shape
    deep: bool
    scale: float
    offset: float
    low: float
    high: float
    packed: bool = False
    facts: int = 0

    @property
    def length(self) -> int:
        """Bytes of all parts."""
        return sum(len(part) for part in self.parts)

    def place(self, file: int, start: int) -> tuple[object, ...]:
        """The values of ``PLACE`` where the record begins at ``start`` of pixel file ``file``."""
        shown = (self.length, self.shape, self.deep, self.packed, self.facts, self.scale, self.offset, self.low, self.high)
        return file, start, *shown


@dataclass
class Records:
    """Rows of the index, and the sentences that ``reason`` numbers."""

    rows: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, RECORD))
    sentences: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def joined(self, other: Records) -> Records:
        """These rows, then ``other``'s."""
        rows = other.rows.copy()
        rows["reason"] += np.where(rows["reason"] >= 0, len(self.sentences), 0).astype(np.int32)
        return Records(np.concatenate([self.rows, rows]), self.sentences + other.sentences)

    def latest(self) -> Records:
        """The last row of each id, in the order of ids; sentences no row needs are dropped."""
        _, last = np.unique(self.rows["id"][::-1], return_index=True)
        rows = self.rows[::-1][last].copy()
        used, numbers = np.unique(rows["reason"], return_inverse=True)
        kept = [self.sentences[i] for i in used if i >= 0]
        rows["reason"] = numbers.astype(np.int32) - int(bool(len(used)) and used[0] < 0)
        return Records(rows, kept)

    def ends(self) -> NDArray[np.int64]:
        """``(n,)`` where each record stops in the pixel file; 0 for rows without one."""
        return np.where(self.rows["reason"] < 0, self.rows["start"] + self.rows["length"], 0)

    def to_bytes(self) -> bytes:
        """One ``.npz``, without pickle."""
        file = io.BytesIO()
        np.savez(file, rows=self.rows, sentences=np.frombuffer(json.dumps(self.sentences).encode(), np.uint8))
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Records:
        """The inverse of ``to_bytes``. Raises ValueError, OSError or zipfile.BadZipFile when ``data`` are damaged."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            rows = arrays["rows"]
            if rows.dtype != RECORD:
                raise ValueError("an index of another version")
            return cls(rows, json.loads(arrays["sentences"].tobytes()))
