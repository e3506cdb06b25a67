"""What every reader of volumes shares: the volume itself, and the checks of its sides, axes and values."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.outcomes import Kind, Unreadable

MAX_VOXELS = 1 << 31
"""Voxels (two thousand million) beyond which a file is taken for a decompression bomb."""
_LEAST_ANGLE = 1e-3
_FLAT = 0.1


@dataclass(frozen=True, eq=False)
class Volume:
    """One volume as it is in its file.

    ``values`` (x, y, z) in the units of the file (HU): uint8, int16, uint16, int32 or float32, finite. ``affine`` (4, 4): from a
    voxel's three numbers to mm; x to the right, y to the front, z up (RAS). ``notes``: what was done on the way, in words.
    """

    values: NDArray[Any]
    affine: NDArray[np.float64]
    notes: tuple[str, ...] = ()

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size in mm along the three axes of ``values``."""
        return spacing_of(self.affine)


def spacing_of(affine: NDArray[np.float64]) -> tuple[float, float, float]:
    """Voxel size in mm along the axes of ``affine`` (4, 4)."""
    x, y, z = (float(side) for side in np.sqrt((affine[:3, :3] ** 2).sum(0)))
    return x, y, z


def sides_in_words(shape: Sequence[int]) -> str:
    """``64 x 64 x 30``."""
    return " x ".join(map(str, shape))


def solid(shape: Sequence[int]) -> tuple[int, int, int]:
    """The three sides of a volume, further ones dropped where they are 1. Raises Unreadable where it is none."""
    sides = [int(side) for side in shape]
    said = sides_in_words(sides)
    if any(side < 1 for side in sides):
        raise Unreadable(Kind.CORRUPT, f"Its size is given as {said} voxels.")
    while len(sides) > 3 and sides[-1] == 1:
        sides.pop()
    if len(sides) > 3:
        raise Unreadable(
            Kind.UNSUPPORTED,
            f"It has {len(sides)} dimensions ({said}); one volume a file is read. Split a series in time, or channels, into a file for"
            " each volume.",
        )
    if len(sides) < 3 or min(sides) < 2:
        raise Unreadable(
            Kind.UNSUPPORTED,
            f"It is no volume but flat ({said}); a volume has at least two voxels along each of three axes.",
        )
    if np.prod(sides, dtype=np.float64) > MAX_VOXELS:
        raise Unreadable(Kind.TOO_LARGE, f"It would unpack to {said} voxels; more than {MAX_VOXELS:,} are not read.")
    return sides[0], sides[1], sides[2]


def made(
    stored: NDArray[Any], affine: NDArray[Any], notes: Sequence[str] = (), slope: float = 1.0, offset: float = 0.0
) -> Volume:
    """The volume of a file's numbers (x, y, z): ``stored * slope + offset``, of one of the few types that are kept.

    Raises Unreadable for numbers that are none, for a volume without any finite value, and for axes that span no space.
    """
    said = list(notes)
    placed = checked_affine(np.asarray(affine, np.float64), said)
    values = _finite(_scaled(stored, slope, offset), said)
    return Volume(values, placed, tuple(said))


def checked_affine(affine: NDArray[np.float64], notes: list[str]) -> NDArray[np.float64]:
    """``affine`` (4, 4); a shear is noted. Raises Unreadable where voxels have no size or axes span no space."""
    if not np.isfinite(affine).all():
        raise Unreadable(Kind.GEOMETRY, "Its affine, which says where its voxels lie, holds NaN or infinite numbers.")
    spacing = spacing_of(affine)
    if min(spacing) <= 1e-6:
        raise Unreadable(
            Kind.GEOMETRY,
            f"Its voxels measure {' x '.join(f'{side:g}' for side in spacing)} mm, which is no size. Correct its header.",
        )
    axes = affine[:3, :3] / spacing
    if abs(float(np.linalg.det(axes))) < _FLAT:
        raise Unreadable(
            Kind.GEOMETRY,
            "Two of its axes point almost the same way, so that its voxels span no space. Correct its header.",
        )
    cosine = float(np.abs(axes.T @ axes - np.eye(3)).max())
    if cosine > _LEAST_ANGLE:
        notes.append(
            f"axes not at right angles (sheared by {np.degrees(np.arcsin(min(1.0, cosine))):.1f} degrees): taken along its own axes"
        )
    return affine


def _scaled(stored: NDArray[Any], slope: float, offset: float) -> NDArray[Any]:
    if stored.dtype.kind == "c":
        raise Unreadable(Kind.UNSUPPORTED, "Its voxels are complex numbers, which are not read; save their magnitude.")
    if stored.dtype.kind not in "biuf":
        raise Unreadable(
            Kind.UNSUPPORTED,
            "Its voxels hold several numbers each (colours or vectors), which are not read; save one of them a file.",
        )
    if stored.dtype.kind == "b":
        stored = stored.astype(np.uint8)
    elif not stored.dtype.isnative:
        stored = stored.astype(stored.dtype.newbyteorder("="))
    plain = slope == 1 and offset == 0
    if stored.dtype.kind == "f":
        if plain:
            return stored.astype(np.float32, copy=False)
        return (stored.astype(np.float64) * slope + offset).astype(np.float32)
    if not (float(slope).is_integer() and float(offset).is_integer()):
        if stored.itemsize <= 2:
            return stored.astype(np.float32) * np.float32(slope) + np.float32(offset)
        return (stored.astype(np.float64) * slope + offset).astype(np.float32)
    if plain and stored.dtype in (np.uint8, np.int16, np.uint16):
        return stored
    ends = sorted(int(end) * int(slope) + int(offset) for end in (stored.min(), stored.max()))
    for kind in (np.uint8, np.int16, np.uint16, np.int32):
        room = np.iinfo(kind)
        if room.min <= ends[0] and ends[1] <= room.max:
            if plain:
                return stored.astype(kind)
            whole = stored.astype(np.int64 if stored.itemsize >= 4 else np.int32)
            return (whole * int(slope) + int(offset)).astype(kind)
    return (stored.astype(np.float64) * slope + offset).astype(np.float32)


def _finite(values: NDArray[Any], notes: list[str]) -> NDArray[Any]:
    """NaN and -Inf become the least finite value, +Inf the greatest: many programs write NaN around a brain."""
    if values.dtype.kind != "f":
        return values
    finite = np.isfinite(values)
    odd = values.size - int(np.count_nonzero(finite))
    if not odd:
        return values
    if odd == values.size:
        raise Unreadable(Kind.NOT_FINITE, "None of its voxels is a finite number.")
    there = values[finite]
    least, most = float(there.min()), float(there.max())
    notes.append(f"NaN or infinite in {odd:,} of its voxels: set to the least value, {least:g}, and +Inf to the greatest")
    return np.asarray(np.nan_to_num(values, nan=least, neginf=least, posinf=most))


def inflated(data: bytes, most: int) -> bytes:
    """The first ``most`` bytes that gzip or zlib packed into ``data``, of all its members; fewer where it holds fewer.

    Raises Unreadable where it is damaged. Never unpacks more, whatever a file claims.
    """
    out: list[bytes] = []
    rest, missing = data, most
    try:
        while rest and missing > 0:
            member = zlib.decompressobj(zlib.MAX_WBITS | 32)
            part = member.decompress(rest, missing)
            out.append(part)
            missing -= len(part)
            if not member.eof:
                break
            rest = member.unused_data.lstrip(b"\0")
            if rest[:2] != b"\x1f\x8b":
                break
    except zlib.error:
        raise Unreadable(Kind.CORRUPT, "Its compressed voxels are damaged.") from None
    return out[0] if len(out) == 1 else b"".join(out)


def from_bytes(data: bytes, kind: np.dtype[Any], shape: tuple[int, ...], start: int = 0) -> NDArray[Any]:
    """``(x, y, z, ...)`` numbers of ``data`` in the order of medical formats (the first axis fastest). Raises Unreadable where there are too few."""
    count = int(np.prod(shape, dtype=np.int64))
    needed = start + count * kind.itemsize
    if len(data) < needed:
        raise Unreadable(
            Kind.TRUNCATED,
            f"The file ends before its voxels do: {max(0, len(data) - start):,} of {count * kind.itemsize:,} bytes are there.",
        )
    return np.frombuffer(data, kind, count, start).reshape(shape, order="F")
