"""NIfTI-1 and NIfTI-2 in one file, packed by gzip or not, in either byte order: https://nifti.nimh.nih.gov.

Where the voxels lie says the sform; where it is not set, the qform; where neither is, voxel sizes alone (x then runs to the
left, as nibabel and MONAI take it). Lengths in metres or micrometres become mm.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.readers.volume_parts import Volume, from_bytes, inflated, made, solid, spacing_of

_HEADER = 540
_UNITS = {1: 1000.0, 3: 0.001}  # metre, micrometre; 2 is mm, 0 says nothing and is mm everywhere
_SHORTEST = 348
_ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")
_AGREE = 0.5
_COLOURS = (128, 2304)


def is_nifti(start: bytes) -> bool:
    """Whether a file of these first bytes, unpacked, is NIfTI or the header of an Analyze pair."""
    return any(int.from_bytes(start[:4], order) in (348, 540) for order in _ORDERS)


def decode(data: bytes) -> Volume:
    """The volume of a file's bytes. Raises Unreadable."""
    packed = data[:2] == b"\x1f\x8b"
    header = header_of(data)
    shape = tuple(int(side) for side in header.get_data_shape())
    if int(header["datatype"]) in _COLOURS:
        raise Unreadable(
            Kind.UNSUPPORTED, "Its voxels are colours (RGB), which are not read; save one grey value a voxel."
        )
    sides = solid(shape)
    try:
        kind = header.get_data_dtype()
    except Exception:
        raise Unreadable(
            Kind.UNSUPPORTED, f"Its voxels are of the type {int(header['datatype'])}, which NIfTI does not know."
        ) from None
    start = max(int(header.get_data_offset()), header.template_dtype.itemsize)
    needed = start + int(np.prod(sides, dtype=np.int64)) * kind.itemsize
    if packed:
        data = inflated(data, needed + 1)  # one more than needed: the check sum behind the last byte is read too
    notes: list[str] = []
    slope, offset = header.get_slope_inter()
    affine = _affine(header, notes)
    stored = from_bytes(data, kind, sides, start)
    return made(stored, affine, notes, 1.0 if slope is None else float(slope), 0.0 if offset is None else float(offset))


def header_of(data: bytes) -> Any:
    """nibabel's header of a file's bytes, of which the first thousand are enough. Raises Unreadable."""
    import nibabel

    start = inflated(data, _HEADER) if data[:2] == b"\x1f\x8b" else data[:_HEADER]
    if len(start) < _SHORTEST or not is_nifti(start):
        raise Unreadable(Kind.TRUNCATED, "The file ends within its header.")
    second = any(int.from_bytes(start[:4], order) == _HEADER for order in _ORDERS)
    header: Any
    try:
        kind: Any = nibabel.Nifti2Header if second else nibabel.Nifti1Header
        header = kind(start[: _HEADER if second else _SHORTEST], check=False)
        magic = bytes(header["magic"].item())[:3]
        header.get_data_shape()
    except Unreadable:
        raise
    except Exception:
        raise Unreadable(Kind.CORRUPT, "Its header is damaged.") from None
    if magic not in (b"n+1", b"n+2"):
        raise Unreadable(
            Kind.UNSUPPORTED, "It is one half of a pair (.hdr and .img), which is not read; save it as one .nii file."
        )
    return header


def _affine(header: Any, notes: list[str]) -> NDArray[np.float64]:
    """From voxel to mm, by the rules above."""
    sform, qform = _form(header, "sform"), _form(header, "qform")
    if sform is not None and not _spans(sform) and qform is not None and _spans(qform):
        notes.append("its sform spans no space: the qform is taken")
        sform = None
    if sform is not None and qform is not None and _spans(qform):
        away = _apart(sform, qform, header.get_data_shape()[:3])
        if away > _AGREE * max(spacing_of(sform)):
            notes.append(f"sform and qform place its voxels up to {away:.3g} mm apart: the sform is taken")
    chosen = sform if sform is not None else qform
    if chosen is None:
        notes.append("says nothing of its orientation: taken as left, front, up")
        chosen = np.asarray(header.get_base_affine(), np.float64)
    unit = _UNITS.get(int(header["xyzt_units"]) & 7)
    if unit is not None:
        notes.append(f"lengths in {'metres' if unit > 1 else 'micrometres'} turned into mm")
        chosen = np.diag([unit, unit, unit, 1.0]) @ chosen
    return np.asarray(chosen, np.float64)


def _form(header: Any, name: str) -> NDArray[np.float64] | None:
    """The sform or qform where its code is set; NaN where its numbers make none."""
    if int(header[f"{name}_code"]) <= 0:
        return None
    try:
        found = header.get_sform() if name == "sform" else header.get_qform()
    except Exception:  # a quaternion longer than 1
        return np.full((4, 4), np.nan)
    return np.asarray(found, np.float64)


def _spans(affine: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(affine).all() and abs(np.linalg.det(affine[:3, :3])) > 1e-12)


def _apart(one: NDArray[np.float64], other: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """The greatest distance in mm between where two affines put a corner of the volume."""
    corners = np.stack(np.meshgrid(*((0, side - 1) for side in shape), indexing="ij")).reshape(3, -1)
    both = [affine[:3, :3] @ corners + affine[:3, 3:] for affine in (one, other)]
    return float(np.sqrt(((both[0] - both[1]) ** 2).sum(0)).max())
