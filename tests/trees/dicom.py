"""A folder of DICOM files as a hospital's archive writes it: patients, studies, series, and what lies beside the images."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    BasicTextSRStorage,
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from tests.trees.pixels import DEEP, radiographs

TEXTS = ("AE", "AS", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT")
"""Value representations that hold text."""
_ROOT = "1.2.826.0.1.3680043.8.498."
_READ = ("PhotometricInterpretation", "SpecificCharacterSet", "Modality", "VOILUTFunction")
"""Elements of text without whose own words pixels cannot be read."""


def write(
    root: Path,
    patients: int = 12,
    side: int = 64,
    *,
    studies: int = 2,
    suffix: str = ".dcm",
    canary: str = "",
    window: bool = True,
) -> Path:
    """Frontal radiographs of ``patients``, ``studies`` each, half of them bright in the middle (sick, by ``labels.csv``).

    Besides: a text file, a DICOMDIR, a structured report, a multi-frame file of three frames, a file without suffix. The CSV
    has the columns PatientID, StudyInstanceUID, finding and a note. ``canary``: a name that is put into every element of
    text, into folder and file names and into the note. Returns ``root``.
    """
    pictures = radiographs(patients * studies + 3, side, deep=True)
    rows = ["PatientID,StudyInstanceUID,finding,note"]
    number = 0
    for patient in range(patients):
        name = f"{canary or 'patient'}{patient:03d}"
        for study in range(studies):
            sick = (patient + study) % 2
            uid = f"{_ROOT}{patient + 1}.{study + 1}"
            folder = root / name / f"{canary}study{study}"
            folder.mkdir(parents=True, exist_ok=True)
            pixels = pictures[number] // 2
            if sick:
                pixels[side // 4 : side // 2, side // 4 : 3 * side // 4] += DEEP // 2
            made = radiograph(pixels, name, uid, canary, inverted=bool(patient % 2), window=window)
            made.save_as(folder / f"{canary}image{number}{suffix if number else ''}", enforce_file_format=True)
            rows.append(f"{name},{uid},{'sick' if sick else 'well'},{canary}")
            number += 1
    several = radiograph(np.stack(pictures[-3:]), f"{canary or 'patient'}000", f"{_ROOT}1.1", canary, window=window)
    several.save_as(root / f"{canary}film{suffix}", enforce_file_format=True)
    _bare(BasicTextSRStorage, "SR", canary).save_as(root / f"{canary}report{suffix}", enforce_file_format=True)
    _bare(MediaStorageDirectoryStorage, "OT", canary).save_as(root / "DICOMDIR", enforce_file_format=True)
    (root / f"{canary}notes.txt").write_text(f"{canary} said so")
    (root / f"{canary}labels.csv").write_text("\n".join(rows) + "\n")
    return root


def radiograph(
    pixels: NDArray[Any], patient: str, study: str, canary: str = "", *, inverted: bool = False, window: bool = True
) -> FileDataset:
    """A CR image of 12 bits in 16, of one frame (H, W) or several (N, H, W); bone is bright, also where it is ``inverted``."""
    data = _bare(ComputedRadiographyImageStorage, "CR", canary)
    data.PatientID, data.StudyInstanceUID, data.SeriesInstanceUID = patient, study, f"{study}.1"
    if not canary:  # words of these are repeated, so a name in them must not be
        data.ViewPosition, data.BurnedInAnnotation, data.ImageLaterality = "PA", "NO", "U"
    data.PixelSpacing, data.ImagerPixelSpacing = [0.2, 0.3], [0.25, 0.35]
    data.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    data.SamplesPerPixel, data.PixelRepresentation = 1, 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.Rows, data.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        data.NumberOfFrames = len(pixels)
    if window:
        data.WindowCenter, data.WindowWidth = (DEEP + 1) / 2, DEEP + 1
    data.PixelData = (DEEP - pixels if inverted else pixels).astype("<u2").tobytes()
    return data


def _bare(kind: str, modality: str, canary: str) -> FileDataset:
    """A file with identifiers and, where there is a ``canary``, that in every standard element of text."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = kind, pydicom.uid.generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    if canary:
        data.update(_planted(canary))
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = kind, meta.MediaStorageSOPInstanceUID, modality
    return data


@cache
def _planted(canary: str) -> pydicom.Dataset:
    """``canary`` in every element that holds text and that reading pixels does not need, and in a private one."""
    data = pydicom.Dataset()
    with pydicom.config.disable_value_validation():
        for tag, (kind, *_, keyword) in DicomDictionary.items():
            if kind in TEXTS and keyword and keyword not in _READ and tag >> 16 not in (0, 2, 4):
                data.add_new(tag, kind, canary)
        data.private_block(0x0029, canary, create=True).add_new(1, "LO", canary)
    return data
