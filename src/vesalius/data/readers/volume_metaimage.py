"""MetaImage, as ITK writes it: ``.mha`` in one file, ``.mhd`` as a header beside its numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.readers.volume_parts import Volume, from_bytes, inflated, made, solid

TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
_LAST = b"ElementDataFile"
_LONGEST = 1 << 16
_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def is_metaimage(start: bytes) -> bool:
    """Whether a file of these first bytes is a MetaImage: text of ``Key = value`` with the keys it must have."""
    return b"NDims" in start and b"=" in start[:64] and start[:1].isalpha()


def decode(data: bytes, beside: Callable[[str], bytes]) -> Volume:
    """The volume of a file's bytes; ``beside`` gives those of a file in the same folder by its name. Raises Unreadable."""
    fields, start = _fields(data)
    try:
        shape = solid([int(word) for word in fields["DimSize"].split()])
        kind = np.dtype(TYPES[fields["ElementType"].upper()])
        affine = _affine(fields, int(fields.get("NDims", 3)))
        channels, skip = int(fields.get("ElementNumberOfChannels", 1)), int(fields.get("HeaderSize", 0))
    except (KeyError, ValueError):
        raise Unreadable(Kind.CORRUPT, "Its header does not say its size and a known type of its voxels.") from None
    if channels != 1:
        raise Unreadable(
            Kind.UNSUPPORTED, f"Its voxels hold {channels} numbers each, which are not read; save one of them a file."
        )
    if _true(fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", ""))):
        kind = kind.newbyteorder(">")
    name = fields["ElementDataFile"]
    if name.split()[0] == "LIST" or "%" in name:
        raise Unreadable(Kind.UNSUPPORTED, "Its slices lie in a file each, which is not read; save it as one .mha.")
    packed = data[start:] if name.upper() == "LOCAL" else beside(name)
    length = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    if _true(fields.get("CompressedData", "")):
        packed = inflated(packed, length + 1)
    elif skip == -1:
        skip = max(0, len(packed) - length)
    return made(from_bytes(packed, kind, shape, max(0, skip)), affine)


def _fields(data: bytes) -> tuple[dict[str, str], int]:
    """The header's fields by name, the last of which is ElementDataFile, and where the numbers begin."""
    at = data.find(_LAST, 0, _LONGEST)
    end = data.find(b"\n", at)
    if at < 0:
        raise Unreadable(Kind.TRUNCATED, "The file ends within its header.")
    stop = len(data) if end < 0 else end
    fields = {}
    for line in data[:stop].decode("utf-8", "replace").splitlines():
        name, _, value = line.partition("=")
        fields[name.strip()] = value.strip()
    if not fields.get("ElementDataFile"):
        raise Unreadable(Kind.CORRUPT, "Its header does not say where its voxels are.")
    return fields, min(len(data), stop + 1)


def _affine(fields: dict[str, str], dimension: int) -> NDArray[np.float64]:
    """From voxel to mm in RAS; the file counts to the left, back and up, one axis of its voxels after another."""
    directions = _numbers(fields, ("TransformMatrix", "Orientation", "Rotation"), np.eye(dimension).ravel())
    spacing = _numbers(fields, ("ElementSpacing", "ElementSize"), np.ones(dimension))
    origin = _numbers(fields, ("Offset", "Position", "Origin"), np.zeros(dimension))
    affine = np.eye(4)
    affine[:3, :3] = directions.reshape(dimension, dimension)[:3, :3].T * spacing[:3]
    affine[:3, 3] = origin[:3]
    return _TO_RAS @ affine


def _numbers(fields: dict[str, str], names: tuple[str, ...], default: NDArray[np.float64]) -> NDArray[np.float64]:
    for name in names:
        if name in fields:
            found = np.array([float(word) for word in fields[name].split()])
            if len(found) != len(default):
                raise ValueError(name)
            return found
    return default


def _true(word: str) -> bool:
    return word.strip().lower() in ("true", "1")
