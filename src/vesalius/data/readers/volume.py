"""Any medical volume to an array with its place in space. What a file is decides its content, never its suffix."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.readers import read_bytes
from vesalius.data.readers.content import Content, content_of
from vesalius.data.readers.volume_parts import Volume
from vesalius.files import AT_ONCE, Unreachable, is_remote, place_of

VOLUME_DECODER = 1
"""Raised whenever the same file would give other voxels: it is part of every record's address."""
_LOOKED_AT = 4096
_MOST_LABELS = 256

__all__ = ["VOLUME_DECODER", "Volume", "read_labels", "read_volume", "series_at"]


def read_volume(path: str | Path) -> Volume:
    """The volume at ``path``: a file of NIfTI-1 or -2 (packed by gzip or not), NRRD, MetaImage or enhanced multi-frame DICOM; a
    folder that holds one DICOM series; or ``FOLDER#SERIES``, the one of a folder's series whose SeriesInstanceUID has this keyed
    hash. Here or behind an address. Raises Unreadable with one sentence.
    """
    place = place_of(path)
    folder, series = series_at(place)
    try:
        if folder is not None:
            return _read_series(folder, series)
        data = read_bytes(place)
        return _decoded(data, place)
    except Unreadable:
        raise
    except Unreachable as error:
        raise Unreadable(Kind.UNREACHABLE, str(error)) from None
    except MemoryError as error:
        raise Unreadable(Kind.TOO_LARGE, "It does not fit into memory.") from error
    except Exception as error:  # a header full of garbage raises nearly anything
        raise Unreadable(Kind.CORRUPT, "Its content is damaged.") from error


def read_labels(path: str | Path) -> Volume:
    """The label volume at ``path``: whole numbers from 0 to 255, as uint8. Raises Unreadable, with what was found instead."""
    volume = read_volume(path)
    values = volume.values
    if any("NaN" in note for note in volume.notes):
        raise Unreadable(Kind.NOT_FINITE, "It is to hold labels, but some of its voxels are NaN or infinite.")
    if values.dtype.kind == "f":
        whole = np.rint(values)
        if np.abs(whole - values).max() > 1e-3:
            odd = values[np.abs(whole - values) > 1e-3][0]
            raise Unreadable(Kind.UNSUPPORTED, f"It is to hold labels, but holds {odd:g}, which is no whole number.")
        values = whole
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= _MOST_LABELS:
        raise Unreadable(
            Kind.UNSUPPORTED,
            f"It is to hold labels from 0 to {_MOST_LABELS - 1}, but its values run from {low} to {high}.",
        )
    return Volume(values.astype(np.uint8, copy=False), volume.affine, volume.notes)


def series_at(place: Path) -> tuple[Path | None, str | None]:
    """The folder and the series that ``place`` names; None, None for a file."""
    folder, mark, series = place.name.partition("#")
    if mark and (is_remote(place) or not place.exists()):
        return place.with_name(folder) if folder else place.parent, series
    asked = not is_remote(place) or not place.suffix  # asking costs a request behind an address
    return (place, None) if asked and place.is_dir() else (None, None)


def _read_series(folder: Path, series: str | None) -> Volume:
    from vesalius.data.readers import volume_dicom
    from vesalius.data.readers.volume_series import files_of

    with ThreadPoolExecutor(AT_ONCE if is_remote(folder) else 1) as pool:
        return volume_dicom.decode(list(pool.map(read_bytes, files_of(folder, series))))


def _decoded(data: bytes, place: Path) -> Volume:
    from vesalius.data.readers import volume_dicom, volume_metaimage, volume_nifti, volume_nrrd
    from vesalius.data.readers.volume_parts import inflated

    def beside(name: str) -> bytes:
        if "/" in name or "\\" in name or name in ("", ".", ".."):
            raise Unreadable(
                Kind.UNSUPPORTED, "Its voxels lie in a file of another folder; put the two beside each other."
            )
        return read_bytes(place.with_name(name))

    start = data[:_LOOKED_AT]
    if start[:2] == b"\x1f\x8b":
        start = inflated(data, _LOOKED_AT)
        if not start:
            raise Unreadable(Kind.TRUNCATED, "The file ends within its header.")
        if start[:4] == b"NRRD" or not volume_nifti.is_nifti(start):
            raise Unreadable(Kind.NOT_AN_IMAGE, "It is a gzip file that holds no NIfTI volume.")
        return volume_nifti.decode(data)
    if start[:4] == b"NRRD":
        return volume_nrrd.decode(data, beside)
    if volume_metaimage.is_metaimage(start):
        return volume_metaimage.decode(data, beside)
    if volume_nifti.is_nifti(start):
        return volume_nifti.decode(data)
    content = content_of(data)
    if content is Content.DICOM:
        return volume_dicom.decode([data])
    raise Unreadable(Kind.UNSUPPORTED, f"It is one picture ({content}), not a volume.")
