"""Volumes of DICOM: the slices of a series, each in a file, or the frames of an enhanced multi-frame image.

Slices are put in order by their positions along their normal, never by names or numbers; the rescaling of each is applied
(HU of CT), its window is not. Padding keeps its value, which lies below every tissue.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.outcomes import Kind, Unreadable
from vesalius.data.readers.dicom import explained, guess_syntax, refuse_bomb
from vesalius.data.readers.dicom_words import modality
from vesalius.data.readers.volume_parts import MAX_VOXELS, Volume, made, solid
from vesalius.data.readers.volume_slices import Slice, ordered

if TYPE_CHECKING:
    from pydicom import Dataset


def decode(files: Sequence[bytes]) -> Volume:
    """The volume of all files of one series. Raises Unreadable."""
    try:
        datasets = [_opened(data) for data in files]
        notes: list[str] = []
        datasets = _once(datasets, notes)
        frames = [(dataset, frame) for dataset in datasets for frame in range(int(dataset.get("NumberOfFrames") or 1))]
        order, affine = ordered([_slice(dataset, frame) for dataset, frame in frames])
        frames = [frames[place] for place in order]
        solid((int(frames[0][0].Columns), int(frames[0][0].Rows), len(frames)))
        return _filled(frames, affine, notes)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a decoder fed with garbage raises nearly anything
        raise explained(error) from error


def _opened(data: bytes) -> Dataset:
    import pydicom

    refuse_bomb(data)
    dataset = pydicom.dcmread(io.BytesIO(data), force=True)
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise Unreadable(Kind.NOT_AN_IMAGE, f"It is DICOM without pixels ({modality(dataset.get('Modality'))}).")
    if "Rows" not in dataset or "Columns" not in dataset:
        raise Unreadable(Kind.CORRUPT, "It does not say how many rows and columns it has.")
    if (
        int(dataset.get("SamplesPerPixel", 1)) != 1
        or str(dataset.get("PhotometricInterpretation", "")) == "PALETTE COLOR"
    ):
        raise Unreadable(Kind.UNSUPPORTED, "Its slices are in colour, which is not read as a volume.")
    if int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("NumberOfFrames") or 1) > MAX_VOXELS:
        raise Unreadable(Kind.TOO_LARGE, f"It would unpack to more than {MAX_VOXELS:,} voxels.")
    if "TransferSyntaxUID" not in getattr(dataset, "file_meta", {}):
        guess_syntax(dataset)
    return dataset


def _once(datasets: list[Dataset], notes: list[str]) -> list[Dataset]:
    """The datasets without those that are stored twice under one SOPInstanceUID."""
    kept: dict[str, Dataset] = {}
    for place, dataset in enumerate(datasets):
        kept.setdefault(str(dataset.get("SOPInstanceUID") or place), dataset)
    if len(kept) < len(datasets):
        notes.append(f"{len(datasets) - len(kept)} slices are stored twice")
    return list(kept.values())


def _slice(dataset: Dataset, frame: int) -> Slice:
    said = {
        "position": ("PlanePositionSequence", "ImagePositionPatient"),
        "orientation": ("PlaneOrientationSequence", "ImageOrientationPatient"),
        "spacing": ("PixelMeasuresSequence", "PixelSpacing"),
    }
    found = {name: _numbers(_found(dataset, frame, *where)) for name, where in said.items()}
    return Slice((int(dataset.Rows), int(dataset.Columns)), found["position"], found["orientation"], found["spacing"])


def _found(dataset: Dataset, frame: int, sequence: str, keyword: str) -> Any:
    """A value of the functional groups of ``frame``, of those shared by all, or of the file itself; None without one."""
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or []
    for group in (*groups[frame : frame + 1], *(dataset.get("SharedFunctionalGroupsSequence") or [])):
        for item in group.get(sequence) or []:
            if item.get(keyword) is not None:
                return item.get(keyword)
    return dataset.get(keyword)


def _numbers(value: Any) -> tuple[float, ...] | None:
    try:
        return tuple(float(part) for part in value) or None
    except (TypeError, ValueError):
        return None


def _filled(frames: list[tuple[Dataset, int]], affine: NDArray[np.float64], notes: list[str]) -> Volume:
    """Decode every frame into its place; whole numbers stay whole where all are rescaled alike."""
    from pydicom.pixels.processing import apply_modality_lut
    from pydicom.pixels.utils import pixel_array

    tables = any(dataset.get("ModalityLUTSequence") for dataset, _ in frames)
    ramps = {_ramp(dataset, frame) for dataset, frame in frames}
    shape = (len(frames), int(frames[0][0].Rows), int(frames[0][0].Columns))
    out: NDArray[Any] | None = None
    for place, (dataset, frame) in enumerate(frames):
        pixels = np.asarray(pixel_array(dataset, index=frame, correct_unused_bits=True))
        if tables:
            pixels = np.asarray(apply_modality_lut(pixels, dataset), np.float32)
        elif len(ramps) > 1:
            slope, offset = _ramp(dataset, frame)
            pixels = (pixels * slope + offset).astype(np.float32)
        if out is None:
            out = np.empty(shape, pixels.dtype)
        elif np.result_type(out, pixels) != out.dtype:
            out = out.astype(np.result_type(out, pixels))
        out[place] = pixels
    assert out is not None
    slope, offset = next(iter(ramps)) if len(ramps) == 1 and not tables else (1.0, 0.0)
    if len(ramps) > 1:
        notes.append("each slice rescaled by its own factor")
    return made(out.transpose(2, 1, 0), affine, notes, slope, offset)


def _ramp(dataset: Dataset, frame: int) -> tuple[float, float]:
    slope, offset = (
        _found(dataset, frame, "PixelValueTransformationSequence", name)
        for name in ("RescaleSlope", "RescaleIntercept")
    )
    return float(slope or 1), float(offset or 0)
