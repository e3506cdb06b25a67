"""Writes checkpoints as TensorFlow does, whole or spoilt: its own files are in ``zoo/fixtures``, these are for what it never writes."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from vesalius.encoders.crc32c import crc32c, masked
from vesalius.encoders.sstable import MAGIC

TYPES = {"f4": 1, "f8": 2, "i4": 3, "u1": 4, "i8": 9, "b1": 10, "f2": 19}


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def block(items: Sequence[tuple[bytes, bytes]], restart: int = 4) -> bytes:
    out, restarts, last = bytearray(), [], b""
    for i, (key, value) in enumerate(items):
        shared = 0
        if i % restart:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        else:
            restarts.append(len(out))
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    restarts = restarts or [0]
    return bytes(out) + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def sealed(content: bytes, kind: int = 0) -> bytes:
    whole = content + bytes([kind])
    return whole + struct.pack("<I", masked(crc32c(whole)))


def table(items: Sequence[tuple[bytes, bytes]], per_block: int = 16, kind: int = 0) -> bytes:
    out, index = bytearray(), []
    for at in range(0, len(items), per_block):
        content = block(items[at : at + per_block])
        index.append((items[min(at + per_block, len(items)) - 1][0] + b"~", varint(len(out)) + varint(len(content))))
        out += sealed(content, kind)
    places = b""
    for content in (block([]), block(index)):
        places += varint(len(out)) + varint(len(content))
        out += sealed(content)
    return bytes(out) + places.ljust(40, b"\0") + MAGIC


def field(number: int, value: int | bytes, fixed: bool = False) -> bytes:
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3 | 5) + struct.pack("<I", value) if fixed else varint(number << 3) + varint(value)


def entry(array: NDArray[Any], offset: int, shard: int = 0, /, **spoilt: Any) -> bytes:
    """``BundleEntryProto`` of ``array``; ``spoilt`` goes before what is true."""
    raw = array.tobytes()
    said = {
        "dtype": TYPES[array.dtype.str[1:]],
        "shape": array.shape,
        "shard": shard,
        "offset": offset,
        "size": len(raw),
        "crc": masked(crc32c(raw)),
        **spoilt,
    }
    shape = b"".join(field(2, field(1, side)) for side in said["shape"])
    out = field(1, said["dtype"]) + field(2, shape) + field(3, said["shard"]) + field(4, said["offset"])
    out += field(5, said["size"]) + field(6, said["crc"], fixed=True)
    return out + (field(7, b"\x0a\x00") if said.get("sliced") else b"")


def write(
    prefix: Path,
    variables: Mapping[str, NDArray[Any]],
    shards: int = 1,
    spoilt: Mapping[str, Mapping[str, Any]] | None = None,
    header: bytes | None = None,
) -> Path:
    """A checkpoint at ``prefix``, its variables dealt out over ``shards``; returns the path of the index."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    data = [bytearray() for _ in range(shards)]
    items = [(b"", field(1, shards) + field(3, field(1, 1)) if header is None else header)]
    for i, name in enumerate(sorted(variables)):
        array = variables[name]
        items.append((name.encode(), entry(array, len(data[i % shards]), i % shards, **(spoilt or {}).get(name, {}))))
        data[i % shards] += array.tobytes()
    index = prefix.with_name(prefix.name + ".index")
    index.write_bytes(table(items))
    for i, values in enumerate(data):
        prefix.with_name(f"{prefix.name}.data-{i:05}-of-{shards:05}").write_bytes(bytes(values))
    return index
