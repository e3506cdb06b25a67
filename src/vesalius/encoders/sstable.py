"""LevelDB's sorted table, in which TensorFlow keeps the index of a checkpoint: keys and values of one small file.

Format: github.com/google/leveldb, doc/table_format.md. Blocks of entries whose keys share beginnings; behind each block its
kind and a checksum; an index block of blocks; a footer of 48 bytes. Every length is held against what is there.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from vesalius.data.unpickle import Refused
from vesalius.encoders.crc32c import crc32c, masked

MAGIC = bytes.fromhex("57fb808b247547db")
"""The last bytes of every table."""
_FOOTER, _TRAILER = 48, 5
_SNAPPY = 1
_KEY = 1 << 12
"""Bytes of a key at most: keys that share their beginnings could otherwise grow far beyond the file."""


def entries(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values in order. Raises Refused, saying what is wrong."""
    if len(data) < _FOOTER or not data.endswith(MAGIC):
        raise Refused("does not end as an index of TensorFlow does: it is cut short, or another file")
    footer = data[-_FOOTER:]
    _, at = _handle(footer, 0)
    (place, _) = _handle(footer, at)
    read = 0
    for _, value in _block(data, *place):
        block, _ = _handle(value, 0)
        read += min(block[1], len(data))
        if read > len(data):
            raise Refused("names its blocks more than once")
        yield from _block(data, *block)


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at ``at`` in groups of seven bits, as protocol buffers write it too, and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Refused("is cut short within a number")
        number |= (data[at] & 0x7F) << shift
        at += 1
        if not data[at - 1] & 0x80:
            return number, at
    raise Refused("holds a number of more than 64 bits")


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = varint(data, at)
    size, at = varint(data, at)
    return (offset, size), at


def _block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    end = offset + size
    if end + _TRAILER > len(data) - _FOOTER or size < 4:
        raise Refused(f"points to a block of {size} bytes at {offset}, which is not in it")
    kind, checksum = struct.unpack_from("<BI", data, end)
    if masked(crc32c(data[offset : end + 1])) != checksum:
        raise Refused(f"has a block at {offset} whose checksum is another: the file is damaged")
    if kind:
        how = "with Snappy, as TensorFlow before 1.2 did" if kind == _SNAPPY else f"in the unknown way {kind}"
        raise Refused(f"is compressed {how}: read it and save it again with a newer TensorFlow")
    block = data[offset:end]
    restarts = struct.unpack_from("<I", block, size - 4)[0]
    last, at, key = size - 4 * (restarts + 1), 0, b""
    if last < 0:
        raise Refused(f"has a block at {offset} that is too short for its own table")
    while at < last:
        shared, at = varint(block, at)
        own, at = varint(block, at)
        length, at = varint(block, at)
        if shared > len(key) or at + own + length > last:
            raise Refused(f"has an entry in the block at {offset} that is longer than the block")
        if shared + own > _KEY:
            raise Refused(f"has a name of {shared + own} bytes")
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + length]
        at += own + length
