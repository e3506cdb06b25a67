"""Volumes as DICOM writes them: a file a slice, or all frames in one enhanced file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian

_ROOT = "1.2.826.0.1.3680043.8.498.7."


def slices(
    values: NDArray[np.generic],
    affine: NDArray[np.float64],
    *,
    series: int = 1,
    patient: str = "somebody",
    slope: float = 1.0,
    intercept: float = 0.0,
) -> list[FileDataset]:
    """The slices of ``values`` (x, y, z), stored numbers before ``slope`` and ``intercept``, lying as ``affine`` (to mm in RAS) says.

    Their instance numbers run the other way than their positions, as a scanner's may.
    """
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    made = []
    for z in range(values.shape[2]):
        dataset = _started(CTImageStorage, series, f"{series}.{z + 1}", patient, slope, intercept)
        dataset.InstanceNumber = values.shape[2] - z
        dataset.ImagePositionPatient = [float(x) for x in lps[:3, 3] + z * lps[:3, 2]]
        dataset.ImageOrientationPatient, dataset.PixelSpacing = _plane(lps)
        _filled(dataset, values[:, :, z].T[None])
        made.append(dataset)
    return made


def enhanced(
    values: NDArray[np.generic], affine: NDArray[np.float64], *, slope: float = 1.0, intercept: float = 0.0
) -> FileDataset:
    """The same as one multi-frame file, its frames in another order than their positions."""
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    dataset = _started(EnhancedCTImageStorage, 9, "9.1", "somebody", None, None)
    order = np.random.default_rng(0).permutation(values.shape[2])
    shared, orientation, measures, ramp = Dataset(), Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient, measures.PixelSpacing = _plane(lps)
    ramp.RescaleSlope, ramp.RescaleIntercept, ramp.RescaleType = slope, intercept, "HU"
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    shared.PixelValueTransformationSequence = [ramp]
    dataset.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for z in order:
        place, frame = Dataset(), Dataset()
        place.ImagePositionPatient = [float(x) for x in lps[:3, 3] + z * lps[:3, 2]]
        frame.PlanePositionSequence = [place]
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = frames
    dataset.NumberOfFrames = len(frames)
    _filled(dataset, values.transpose(2, 1, 0)[order])
    return dataset


def save(folder: Path, datasets: list[FileDataset], first: int = 0) -> Path:
    """Each dataset as a file of ``folder``, in an order of names that is not theirs."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, place in enumerate(np.random.default_rng(1).permutation(len(datasets))):
        datasets[place].save_as(folder / f"IM{first + number:04}", enforce_file_format=True)
    return folder


def _started(
    kind: str, series: int, instance: str, patient: str, slope: float | None, intercept: float | None
) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = kind, f"{_ROOT}{instance}"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = kind, f"{_ROOT}{instance}"
    dataset.SeriesInstanceUID = f"{_ROOT}200.{series}"
    dataset.StudyInstanceUID = f"{_ROOT}100.{sum(patient.encode())}"
    dataset.Modality, dataset.PatientID = "CT", patient
    if slope is not None:
        dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept
    return dataset


def _plane(lps: NDArray[np.float64]) -> tuple[list[float], list[float]]:
    """Orientation and spacing of pixels (between rows, between columns)."""
    spacing = np.sqrt((lps[:3, :2] ** 2).sum(0))
    return [float(x) for x in (lps[:3, :2] / spacing).T.ravel()], [float(spacing[1]), float(spacing[0])]


def _filled(dataset: FileDataset, frames: NDArray[np.generic]) -> None:
    dataset.Rows, dataset.Columns = frames.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, int(frames.dtype.kind == "i")
    dataset.PixelData = np.ascontiguousarray(frames).astype(frames.dtype.newbyteorder("<")).tobytes()
