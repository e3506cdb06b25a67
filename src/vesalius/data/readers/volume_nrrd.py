"""NRRD, in one file or as a header beside its numbers: https://teem.sourceforge.net/nrrd/format.html.

Encodings raw, gzip, bzip2 and text. ``space`` is right, left, anterior and so on; a file without one is taken as LPS with
its own spacings, as ITK takes it.
"""

from __future__ import annotations

import bz2
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.readers.volume_parts import Volume, from_bytes, inflated, made, sides_in_words, solid

_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
_TO_RAS = {
    "right": (0, 1),
    "left": (0, -1),
    "anterior": (1, 1),
    "posterior": (1, -1),
    "superior": (2, 1),
    "inferior": (2, -1),
}
_LETTERS = {word[0]: word for word in _TO_RAS}
_MM = {"mm": 1.0, "millimeter": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001, "micron": 0.001, "microns": 0.001}


def decode(data: bytes, beside: Callable[[str], bytes]) -> Volume:
    """The volume of a file's bytes; ``beside`` gives those of a file in the same folder by its name. Raises Unreadable."""
    fields, start = _fields(data)
    try:
        sizes = [int(word) for word in fields["sizes"].split()]
        kind = np.dtype(_TYPES[fields["type"].lower()])
    except (KeyError, ValueError):
        raise Unreadable(Kind.CORRUPT, "Its header does not say sizes and a known type of its voxels.") from None
    if fields.get("endian", "little").lower() == "big":
        kind = kind.newbyteorder(">")
    long = [axis for axis, size in enumerate(sizes) if size != 1] if len(sizes) > 3 else list(range(len(sizes)))
    if len(long) > 3 and re.search("vector|color|complex|list|matrix", fields.get("kinds", ""), re.IGNORECASE):
        raise Unreadable(
            Kind.UNSUPPORTED,
            f"Its voxels hold several numbers each ({sides_in_words(sizes)}), which are not read; save one of them a file.",
        )
    shape = solid([sizes[axis] for axis in long])
    notes: list[str] = []
    affine = _affine(fields, long, len(sizes), notes)
    name = fields.get("data file", fields.get("datafile"))
    packed = data[start:] if name is None else beside(name)
    return made(_numbers(packed, fields, kind, shape), affine, notes)


def _fields(data: bytes) -> tuple[dict[str, str], int]:
    """The header's fields by name, and where the numbers begin."""
    end = re.search(rb"\r?\n\r?\n", data)
    stop, start = (len(data), len(data)) if end is None else end.span()
    fields = {}
    for line in data[:stop].decode("utf-8", "replace").splitlines()[1:]:
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#") and not value.startswith("="):
            fields[name.strip().lower()] = value.strip()
    return fields, start


def _numbers(data: bytes, fields: dict[str, str], kind: np.dtype[Any], shape: tuple[int, int, int]) -> NDArray[Any]:
    encoding = fields.get("encoding", "raw").lower()
    for _ in range(int(fields.get("line skip", fields.get("lineskip", 0)))):
        data = data.partition(b"\n")[2]
    skip = int(fields.get("byte skip", fields.get("byteskip", 0)))
    length = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    if encoding == "raw":
        return from_bytes(data, kind, shape, max(0, len(data) - length) if skip == -1 else skip)
    if encoding in ("gzip", "gz"):
        return from_bytes(inflated(data, max(0, skip) + length + 1), kind, shape, max(0, skip))
    if encoding in ("bzip2", "bz2"):
        try:
            unpacked = bz2.BZ2Decompressor().decompress(data, max(0, skip) + length)
        except OSError:
            raise Unreadable(Kind.CORRUPT, "Its compressed voxels are damaged.") from None
        return from_bytes(unpacked, kind, shape, max(0, skip))
    if encoding in ("ascii", "text", "txt"):
        try:
            written = np.array(data.split(), np.float64).astype(kind.newbyteorder("="))
        except ValueError:
            raise Unreadable(Kind.CORRUPT, "Its voxels, written as text, are no numbers.") from None
        return from_bytes(written.tobytes(), written.dtype, shape)
    raise Unreadable(
        Kind.UNSUPPORTED, f"Its voxels are encoded as {encoding!r}, which is not read; save it raw or with gzip."
    )


def _affine(fields: dict[str, str], axes: list[int], dimension: int, notes: list[str]) -> NDArray[np.float64]:
    """From voxel to mm in RAS."""
    words = _space(fields.get("space", ""))
    affine = np.eye(4)
    spacings = fields.get("spacings", "").split()
    try:
        directions = [_vector(word) for word in re.findall(r"none|\([^)]*\)", fields.get("space directions", ""))]
        if len(directions) == dimension:
            affine[:3, :3] = np.stack(
                [np.zeros(3) if (found := directions[axis]) is None else found for axis in axes], 1
            )
        elif len(spacings) == dimension:
            affine[:3, :3] = np.diag([float(spacings[axis]) for axis in axes])
        origin = _vector(fields.get("space origin", "")) if fields.get("space origin") else np.zeros(3)
        affine[:3, 3] = 0 if origin is None else origin
    except ValueError:
        raise Unreadable(
            Kind.CORRUPT, "Its header contradicts itself: directions, spacings and sizes do not fit each other."
        ) from None
    if words is None:
        notes.append("says nothing of its orientation: taken as LPS")
        words = ["left", "posterior", "superior"]
    turn = np.zeros((4, 4))
    turn[3, 3] = 1
    for column, word in enumerate(words):
        axis, sign = _TO_RAS[word]
        turn[axis, column] = sign
    unit = re.findall(r'"([^"]*)"', fields.get("space units", ""))
    scale = _MM.get(unit[0].lower(), 1.0) if unit else 1.0
    return np.diag([scale, scale, scale, 1.0]) @ turn @ affine


def _space(said: str) -> list[str] | None:
    """The three words of ``left-posterior-superior`` or ``LPS``; None where it is another kind of space."""
    said = said.lower().removesuffix("-time")
    words = said.split("-") if "-" in said else [_LETTERS.get(letter, "") for letter in said]
    return words if sorted(_TO_RAS[word][0] for word in words if word in _TO_RAS) == [0, 1, 2] else None


def _vector(word: str) -> NDArray[np.float64] | None:
    return None if word == "none" else np.array([float(part) for part in word.strip("() ").split(",")])
