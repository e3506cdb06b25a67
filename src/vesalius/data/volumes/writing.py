"""Volumes written beside the files they were made from: the same voxels, the same place in space."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.outcomes import Unreadable
from vesalius.data.readers.volume_parts import spacing_of
from vesalius.errors import UserError
from vesalius.files import atomic_write, opened, place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")
_START = 1 << 12
_LEVEL = 3  # labels are long runs of one number: higher levels take longer and save little
_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_NIFTI_START = 352
_PLACED = (
    "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z",
    "srow_x", "srow_y", "srow_z", "xyzt_units",
)  # fmt: skip


def suffix_for(uri: str) -> str:
    """The suffix of what is written for ``uri``: its own where it is NIfTI, NRRD or MetaImage; ``.nii.gz`` for DICOM and others."""
    name = uri.rpartition("/")[2].lower()
    if name.endswith((".mha", ".mhd")):
        return ".mha"
    if name.endswith((".nrrd", ".nhdr")):
        return ".nrrd"
    return ".nii" if name.endswith(".nii") else ".nii.gz"


def write_volume(
    path: str | Path,
    values: NDArray[Any],
    affine: NDArray[np.float64] | Sequence[Any],
    *,
    like: str | Path | None = None,
) -> Path:
    """Write ``values`` (x, y, z), or channels (C, x, y, z) such as probabilities, in the format of ``path``'s suffix; whole or not at all.

    ``affine`` (4, 4): from voxel to mm in RAS. ``like``: the file the values were made from; where both are NIfTI, its two affines,
    their codes and its units are taken over as they are. Channels are the last axis of NIfTI and several numbers a voxel in NRRD
    and MetaImage, where ITK looks for them. Raises UserError for another suffix.
    """
    place, name = Path(path), str(path).lower()
    matrix = np.asarray(affine, np.float64)
    if name.endswith((".nii", ".nii.gz")):
        data = _nifti(values, matrix, None if like is None else _header(place_of(like)))
        return atomic_write(place, gzip.compress(data, _LEVEL, mtime=0) if name.endswith(".gz") else data)
    if name.endswith(".nrrd"):
        return atomic_write(place, _nrrd(values, matrix))
    if name.endswith(".mha"):
        return atomic_write(place, _metaimage(values, matrix))
    raise UserError(
        f"A volume cannot be written to {place.name}: its suffix names no format. Give one of {', '.join(SUFFIXES)}."
    )


def _header(like: Path) -> Any:
    """The header of a NIfTI file; None of another."""
    from vesalius.data.readers.volume_nifti import header_of

    try:
        with opened(like, _START) as stream:
            return header_of(stream.read(_START))
    except (Unreadable, OSError):
        return None


def _nifti(values: NDArray[Any], affine: NDArray[np.float64], like: Any) -> bytes:
    import nibabel

    last = _little(np.moveaxis(values, 0, -1) if values.ndim == 4 else values)
    kind: Any = nibabel.Nifti1Header
    header = kind(endianness="<")
    header.set_data_dtype(last.dtype)
    header.set_data_shape(last.shape)
    header.set_qform(affine, 1, strip_shears=True)
    header.set_sform(affine, 1)
    header.set_xyzt_units("mm")
    if like is not None:
        header["pixdim"][:4] = like["pixdim"][:4]
        for name in _PLACED:
            header[name] = like[name]
    header["vox_offset"], header["scl_slope"], header["scl_inter"] = _NIFTI_START, 1, 0
    return bytes(header.binaryblock).ljust(_NIFTI_START, b"\0") + last.tobytes("F")


def _nrrd(values: NDArray[Any], affine: NDArray[np.float64]) -> bytes:
    placed = _TO_LPS @ affine
    axes = [f"({','.join(repr(float(number)) for number in placed[:3, axis])})" for axis in range(3)]
    several = values.ndim == 4
    lines = [
        "NRRD0004",
        f"type: {_little(values).dtype.name.replace('float32', 'float').replace('float64', 'double')}",
        f"dimension: {values.ndim}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, values.shape))}",
        f"space directions: {' '.join(['none', *axes] if several else axes)}",
        f"kinds: {'list ' if several else ''}domain domain domain",
        "endian: little",
        "encoding: gzip",
        f"space origin: ({','.join(repr(float(number)) for number in placed[:3, 3])})",
    ]
    return ("\n".join(lines) + "\n\n").encode() + gzip.compress(_little(values).tobytes("F"), _LEVEL, mtime=0)


def _metaimage(values: NDArray[Any], affine: NDArray[np.float64]) -> bytes:
    import zlib

    from vesalius.data.readers.volume_metaimage import TYPES

    placed, spacing = _TO_LPS @ affine, spacing_of(affine)
    packed = zlib.compress(_little(values).tobytes("F"), _LEVEL)
    kinds = {kind: name for name, kind in reversed(TYPES.items())}
    lines = [
        "ObjectType = Image",
        "NDims = 3",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = True",
        f"CompressedDataSize = {len(packed)}",
        f"TransformMatrix = {_listed((placed[:3, :3] / spacing).T)}",
        f"Offset = {_listed(placed[:3, 3])}",
        f"ElementSpacing = {_listed(spacing)}",
        f"DimSize = {' '.join(map(str, values.shape[-3:]))}",
        *([f"ElementNumberOfChannels = {len(values)}"] if values.ndim == 4 else []),
        f"ElementType = {kinds[_little(values).dtype.str[1:]]}",
        "ElementDataFile = LOCAL",
    ]
    return ("\n".join(lines) + "\n").encode() + packed


def _little(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(values.dtype.newbyteorder("<"), copy=False)


def _listed(numbers: Any) -> str:
    return " ".join(repr(float(number)) for number in np.ravel(numbers))
