"""TensorFlow's checkpoints (V2, "tensor bundles") without TensorFlow: an index, and the values of chosen variables.

``PREFIX.index`` is a table (``sstable``) of one protocol buffer per variable: its type, its shape, which of the files
``PREFIX.data-00000-of-0000N`` holds it and where, and a checksum. Only what is asked for is read. The three may lie in
a folder or in a zip archive, of which nothing is ever unpacked to disk.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.unpickle import Refused
from vesalius.encoders.bundle_files import BundleFiles
from vesalius.encoders.crc32c import crc32c, masked
from vesalius.encoders.sstable import entries, varint

_TYPES = {
    1: "<f4",
    2: "<f8",
    3: "<i4",
    4: "u1",
    5: "<i2",
    6: "i1",
    9: "<i8",
    10: "?",
    17: "<u2",
    19: "<f2",
    22: "<u4",
    23: "<u8",
}
"""TensorFlow's numbers of the types that are arrays of numbers (types.proto) -> numpy's names."""
_INDEX_BYTES, _VARIABLES = 64 << 20, 100_000
_DIMENSIONS = 32


@dataclass(frozen=True)
class Variable:
    """Where a variable is: ``size`` bytes from ``offset`` in the file ``shard``."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    sliced: bool


class TensorBundle:
    """``variables`` by name; ``read`` gives the values of some. Raises Refused where the index is none."""

    def __init__(self, files: BundleFiles) -> None:
        self.files = files
        self.shards, self.variables = 0, dict[str, Variable]()
        for key, value in entries(files.index(_INDEX_BYTES)):
            if key:
                self.variables[key.decode("utf-8", "replace")] = _variable(value)
            else:
                self.shards = _header(value)
            if len(self.variables) > _VARIABLES:
                raise Refused(f"has more than {_VARIABLES:,} variables")
        if not self.shards:
            raise Refused("has no header: it is TensorFlow's old V1 format, or no checkpoint")

    def read(self, names: Iterable[str], most: int) -> Mapping[str, NDArray[Any]]:
        """The values of ``names``, together at most ``most`` bytes, each held to its checksum. Raises Refused by name."""
        chosen = sorted(
            ((name, self.variables[name]) for name in names), key=lambda item: (item[1].shard, item[1].offset)
        )
        left = most
        for name, variable in chosen:
            self._check(name, variable)
            left -= variable.size
            if left < 0:
                raise Refused(f"says that {name} has the shape {variable.shape}, far more than such a network holds")
        found: dict[str, NDArray[Any]] = {}
        for shard in sorted({variable.shard for _, variable in chosen}):
            with closing(self.files.shard(shard, self.shards)) as file:
                for name, variable in chosen:
                    if variable.shard == shard:
                        raw = file.read(variable.offset, variable.size, name)
                        if masked(crc32c(raw)) != variable.checksum:
                            raise Refused(f"holds values of {name} whose checksum is another: the file is damaged")
                        found[name] = np.frombuffer(raw, _TYPES[variable.dtype]).reshape(variable.shape)
        return found

    def _check(self, name: str, variable: Variable) -> None:
        kind = _TYPES.get(variable.dtype)
        if variable.sliced:
            raise Refused(f"holds {name} in slices, as partitioned variables are saved; save it whole")
        if kind is None:
            raise Refused(f"holds {name} as TensorFlow's type {variable.dtype}, which is no array of numbers")
        if not variable.shard < self.shards:
            raise Refused(f"says that {name} is in file {variable.shard} of {self.shards}")
        if math.prod(variable.shape) * np.dtype(kind).itemsize != variable.size:
            raise Refused(
                f"says that {name} has the shape {variable.shape} and {variable.size} bytes, which do not fit"
            )


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """Number, wire type and value of each field of a protocol buffer."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = varint(data, at)
            yield number, wire, value
            continue
        size, at = varint(data, at) if wire == 2 else ({1: 8, 5: 4}.get(wire, -1), at)
        if size < 0 or at + size > len(data):
            raise Refused("has a description of a variable that is damaged")
        raw, at = data[at : at + size], at + size
        yield number, wire, raw if wire == 2 else int.from_bytes(raw, "little")


def _header(data: bytes) -> int:
    """The number of shards, of ``BundleHeaderProto``."""
    shards = 0
    for number, _, value in _fields(data):
        if number == 1:
            shards = value
        elif number == 2 and value:
            raise Refused("holds values in big-endian order")
    if not 0 < shards <= 100_000:
        raise Refused(f"says that it has {shards} data files")
    return shards


def _variable(data: bytes) -> Variable:
    """A ``BundleEntryProto``."""
    found: dict[int, Any] = {1: 0, 2: b"", 3: 0, 4: 0, 5: 0, 6: 0}
    sliced = False
    for number, wire, value in _fields(data):
        if number in found and (wire == 2) == (number == 2):
            found[number] = value
        sliced = sliced or number == 7
    return Variable(found[1], _shape(found[2]), found[3], found[4], found[5], found[6], sliced)


def _shape(data: bytes) -> tuple[int, ...]:
    sides = []
    for number, wire, value in _fields(data):
        if number == 2 and wire == 2:
            sides.append(next((size for field, kind, size in _fields(value) if field == 1 and kind == 0), 0))
    if len(sides) > _DIMENSIONS:
        raise Refused(f"has a variable of {len(sides)} dimensions")
    return tuple(sides)
