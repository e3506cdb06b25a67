"""RSNA's challenge as Kaggle gives it, small: labels with several boxes, detailed classes, DICOM files; and InnerEye's table."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, generate_uid

from tests.trees.pixels import radiographs

DETAILED = ("Normal", "No Lung Opacity / Not Normal", "Lung Opacity")
MAPPING = "pneumonia-challenge-dataset-mappings_2018.json"


def names(n: int) -> list[str]:
    """``n`` names of images as RSNA's: UUIDs."""
    return [str(UUID(int=(0xABC << 100) + 7919 * i, version=4)) for i in range(n)]


def write(
    root: Path,
    n: int = 24,
    *,
    unlabelled: int = 0,
    layout: str = "kaggle",
    pixels: Sequence[NDArray[Any]] | None = None,
    suffix: str = "dcm",
    quality: int | None = None,
    detailed: bool = True,
    nih: Sequence[str] | None = None,
    side: int = 64,
    seed: int = 1,
) -> Path:
    """``root`` with ``n`` labelled images, every third with pneumonia, which has one or two boxes.

    ``layout``: ``kaggle`` or ``innereye``. ``pixels``: the images, real radiographs when absent. ``suffix``: dcm (JPEG baseline of
    ``quality``, plain when None), png or jpg. ``nih``: NIH's file name of each image, for RSNA's published mapping.
    """
    pixels = radiographs(n + unlabelled, side, seed=seed) if pixels is None else pixels
    called = names(n + unlabelled)
    train, test = (root, root) if layout == "innereye" else (root / "stage_2_train_images", root / "stage_2_test_images")
    train.mkdir(parents=True, exist_ok=True)
    for number, (name, image) in enumerate(zip(called, pixels, strict=True)):
        folder = train if number < n else test
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}.{suffix}"
        if suffix == "dcm":
            write_dicom(file, image, quality=quality, patient=name)
        else:
            Image.fromarray(image).save(file, **({"quality": quality} if quality else {}))
    sick = [number % 3 == 0 for number in range(n)]
    if layout == "innereye":
        rows = ["subject,label", *(f"{name},{int(ill)}" for name, ill in zip(called, sick))]
        (root / "dataset.csv").write_text("\n".join(rows) + "\n")
        return root
    boxes, details = ["patientId,x,y,width,height,Target"], ["patientId,class"]
    for number in range(n):
        name, ill = called[number], sick[number]
        box = [f"{name},{4.0 + 10 * k},{5.0 + number},20.0,30.0,1" for k in range(1 + number % 2)]
        boxes += box if ill else [f"{name},,,,,0"]
        details += [f"{name},{DETAILED[2] if ill else DETAILED[number % 2]}"] * (len(box) if ill else 1)
    (root / "stage_2_train_labels.csv").write_text("\n".join(boxes) + "\n")
    if detailed:
        (root / "stage_2_detailed_class_info.csv").write_text("\n".join(details) + "\n")
    if nih is not None:
        (root / MAPPING).write_text(json.dumps(mapping(called, nih)))
    return root


def mapping(called: Sequence[str], nih: Sequence[str]) -> list[dict[str, Any]]:
    """The entries that RSNA published for these images, with all ten fields."""
    return [
        {
            "subset_img_id": name, "img_id": file, "subset_group": "train", "orig_labels": ["Infiltration", "Pneumonia"],
            "StudyInstanceUID": f"1.2.3.{i}", "SeriesInstanceUID": f"1.2.4.{i}", "SOPInstanceUID": f"1.2.5.{i}",
            "studyId": f"T_{i}", "seriesId": f"S_{i}", "instanceId": f"I_{i}",
        }
        for i, (name, file) in enumerate(zip(called, nih, strict=True))
    ]  # fmt: skip


def write_dicom(file: Path, image: NDArray[Any], *, quality: int | None = None, patient: str = "", invert: bool = False) -> None:
    """``image`` (H, W) as DICOM: JPEG baseline in one fragment of ``quality``, or plain little endian; MONOCHROME1 if ``invert``."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[file.name, str(quality)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if quality is None else JPEGBaseline8Bit
    data = FileDataset(str(file), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.Modality, data.PatientID, data.BodyPartExamined, data.ViewPosition = "CR", patient, "CHEST", "PA"
    data.Rows, data.Columns = image.shape
    data.SamplesPerPixel, data.PixelRepresentation = 1, 0
    data.PhotometricInterpretation = "MONOCHROME1" if invert else "MONOCHROME2"
    deep = image.dtype != np.uint8
    data.BitsAllocated, data.BitsStored, data.HighBit = (16, 12, 11) if deep else (8, 8, 7)
    image = (4095 if deep else 255) - image if invert else image
    if quality is None:
        data.PixelData = np.ascontiguousarray(image).tobytes() + b"\0" * (image.nbytes % 2)
    else:
        packed = io.BytesIO()
        Image.fromarray(image).save(packed, "JPEG", quality=quality)
        data.PixelData = encapsulate([packed.getvalue()])
        data["PixelData"].is_undefined_length = True
        data.LossyImageCompression = "01"
    pydicom.dcmwrite(file, data)
