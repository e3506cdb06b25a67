"""What a stranger with MRI of heads brings: scans, a few of them labelled, new ones, and the odd files that such folders have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from docs.proofs.mni_subjects import LABELS, subject, template
from numpy.typing import NDArray

SCANS, LABELLED, NEW = 8, 8, 2


def save(path: Path, values: NDArray[np.generic], affine: NDArray[np.float64]) -> Path:
    """``values`` as NIfTI in mm at ``path``."""
    import nibabel

    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(values, affine)  # type: ignore[attr-defined]
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path)  # type: ignore[attr-defined]
    return path


def volumes(here: Path) -> None:
    """Eighteen warps of the MNI152 head at 4 mm: ``scans`` (8, no labels), ``labelled`` (8, with a list), ``new`` (2); ``odd``, and lists with a fault each."""
    t1, tissues, affine = template()
    t1, tissues, affine = t1[::2, ::2, ::2], tissues[:, ::2, ::2, ::2], affine @ np.diag([2.0, 2.0, 2.0, 1.0])
    for number in range(SCANS + LABELLED + NEW):
        image, labels = subject(t1, tissues, number)
        if number < SCANS:
            save(here / f"scans/sub-{number:02}_T1w.nii.gz", image, affine)
        elif number < SCANS + LABELLED:
            save(here / f"labelled/imagesTr/head_{number:02}_0000.nii.gz", image, affine)
            save(here / f"labelled/labelsTr/head_{number:02}.nii.gz", labels, affine)
        else:
            save(here / f"new/patient {number}/größe.nii.gz", image, affine)
    _odd(here, image, affine)
    _lists(here, labels, affine)


def _odd(here: Path, image: NDArray[np.int16], affine: NDArray[np.float64]) -> None:
    """Scans as colleagues send them, and two of which a header or a copy went wrong."""
    odd = here / "odd"
    mirrored, wide = affine.copy(), affine @ np.diag([100.0, 100.0, 100.0, 1.0])
    mirrored[0] *= -1
    holed = image.astype(np.float32)
    holed[10:14] = np.nan
    save(odd / "mirrored.nii.gz", image, mirrored)
    save(odd / "thick slices.nii.gz", np.ascontiguousarray(image[:, :, ::3]), affine @ np.diag([1.0, 1.0, 3.0, 1.0]))
    save(odd / "nan.nii.gz", holed, affine)
    save(odd / "all nan.nii.gz", np.full_like(holed, np.nan), affine)
    save(odd / "constant.nii.gz", np.full_like(image, 7), affine)
    save(odd / "localiser.nii.gz", image[:, :, 20], affine)
    save(odd / "over time.nii.gz", np.stack([image, image], -1), affine)
    save(odd / "wrong spacing.nii.gz", image, wide)
    whole = (here / "scans/sub-00_T1w.nii.gz").read_bytes()
    (odd / "cut short.nii.gz").write_bytes(whole[: len(whole) // 2])
    (odd / "renamed.nrrd").write_bytes(whole[: len(whole) // 2])
    (odd / "empty.nii.gz").write_bytes(b"")
    (odd / "notes.nii").write_text("Scanner 2 was used on Tuesdays.\n")
    (here / "empty").mkdir()
    (here / "texts").mkdir()
    (here / "texts/report.txt").write_text("Unremarkable.\n")
    _series(here / "dicom", image, missing=(20, 21))


def _series(folder: Path, image: NDArray[np.int16], missing: tuple[int, ...]) -> None:
    """``image`` as an MR series in DICOM, a file a slice, without the slices ``missing``."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

    folder.mkdir(parents=True)
    study, series, frame = (generate_uid(entropy_srcs=[word]) for word in ("study", "series", "frame"))
    for z in range(image.shape[2]):
        if z in missing:
            continue
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = MRImageStorage, ExplicitVRLittleEndian
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[f"slice {z}"])
        one = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)  # type: ignore[arg-type]
        pixels = np.ascontiguousarray(np.clip(image[:, :, z].T[::-1], 0, None)).astype(np.uint16)
        one.SOPClassUID, one.SOPInstanceUID, one.Modality = MRImageStorage, meta.MediaStorageSOPInstanceUID, "MR"
        one.PatientName, one.PatientID = "Doe^Jane", "4711"
        one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID, one.InstanceNumber = study, series, frame, z + 1
        one.Rows, one.Columns = pixels.shape
        one.PixelSpacing, one.SliceThickness = [4, 4], 4
        one.ImagePositionPatient, one.ImageOrientationPatient = [-98, -134, -72 + 4 * z], [1, 0, 0, 0, 1, 0]
        one.SamplesPerPixel, one.PhotometricInterpretation, one.PixelRepresentation = 1, "MONOCHROME2", 0
        one.BitsAllocated, one.BitsStored, one.HighBit = 16, 16, 15
        one.PixelData = pixels.tobytes()
        one.save_as(folder / f"IM{z:03}.dcm", enforce_file_format=True)


def _lists(here: Path, labels: NDArray[np.uint8], affine: NDArray[np.float64]) -> None:
    """``list.json``: four to learn from, two to choose by, two to be scored; and copies of it in which one thing is wrong."""
    entries = [
        {"image": f"labelled/imagesTr/head_{number:02}_0000.nii.gz", "label": f"labelled/labelsTr/head_{number:02}.nii.gz"}
        for number in range(SCANS, SCANS + LABELLED)
    ]
    save(here / "faulty/values.nii.gz", labels * 50, affine)
    save(here / "faulty/nothing.nii.gz", np.zeros_like(labels), affine)
    save(here / "faulty/shape.nii.gz", np.ascontiguousarray(labels[:-3]), affine)
    first = entries[0]
    trains = {
        "list": entries[:4],
        "values": [{**first, "label": "faulty/values.nii.gz"}, *entries[1:4]],
        "nothing": [{**entry, "label": "faulty/nothing.nii.gz"} for entry in entries[:4]],
        "shape": [{**first, "label": "faulty/shape.nii.gz"}, *entries[1:4]],
        "gone": [*entries[:4], {"image": "labelled/imagesTr/head_99_0000.nii.gz", "label": "labelled/labelsTr/head_99.nii.gz"}],
        "twice": [*entries[:4], entries[4]],
    }
    names = {str(value): name for value, name in enumerate(LABELS)}
    for name, train in trains.items():
        parts = {"training": train, "validation": entries[4:6], "test": entries[6:]}
        (here / f"{name}.json").write_text(json.dumps({"labels": names, **parts}, indent=1))
    (here / "unlabelled.json").write_text(json.dumps({"training": [entry["image"] for entry in entries]}))
    (here / "broken.json").write_text('{"training": [')
