"""Every file of pydicom's and pydicom-data's, and what pydicom itself makes of its pixels."""

from __future__ import annotations

import importlib.util
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian


@cache
def files() -> dict[str, Path]:
    """Name to path, a second file of one name with its folder before it."""
    own = Path(pydicom.__file__).parent / "data"
    others = importlib.util.find_spec("data_store")
    assert others is not None
    assert others.origin is not None
    found: dict[str, Path] = {}
    for root in (own / "test_files", own / "charset_files", Path(others.origin).parent):
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix not in (".py", ".pyc", ".txt", ".json", ".md", ".xml", ".zip", ".csv"):
                found[path.name if path.name not in found else f"{path.parent.name}/{path.name}"] = path
    return found


def by_pydicom(path: Path, frame: int, window: str) -> NDArray[np.float64]:
    """(H, W, C) in [0, 1] as pydicom's own functions make it, applied to whole arrays: its pixels, its modality and, for
    the window ``file``, its window or table, percentiles where it has none; MONOCHROME1 inverted, padding black.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
        if "TransferSyntaxUID" not in dataset.file_meta:
            dataset.file_meta.TransferSyntaxUID = (
                ImplicitVRLittleEndian if dataset.original_encoding[0] else ExplicitVRLittleEndian
            )
        pixels = pixel_array(dataset, index=frame)
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            coloured = apply_color_lut(pixels, dataset)
            deep = coloured.dtype == np.uint16
            return np.asarray(
                coloured // 256 / 255 if deep and not (coloured & 255).any() else coloured / (65535 if deep else 255)
            )
        if int(dataset.SamplesPerPixel) > 1:
            return np.asarray(pixels / (2.0 ** int(dataset.BitsStored) - 1))
        level = _grey(pixels, dataset, frame, window)
        if dataset.PhotometricInterpretation == "MONOCHROME1":
            level = 1 - level
        if window != "none" and "PixelPaddingValue" in dataset:
            level[pixels == dataset.PixelPaddingValue] = 0
        return np.asarray(level[..., None])


def _grey(pixels: NDArray[Any], dataset: Any, frame: int, window: str) -> NDArray[np.float64]:
    groups = [
        *dataset.get("PerFrameFunctionalGroupsSequence", [])[frame : frame + 1],
        *dataset.get("SharedFunctionalGroupsSequence", []),
    ]
    for group in reversed(groups):  # what an enhanced image says of a frame, where pydicom looks for it
        for name in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in group.get(name) or []:
                dataset.update({element.tag: element for element in item})
    bits = int(dataset.BitsStored)
    least = -(2 ** (bits - 1)) if dataset.get("PixelRepresentation") else 0
    ends = pixels if bits > 16 else np.array([least, least + 2**bits - 1])
    values, ends = apply_modality_lut(pixels, dataset), apply_modality_lut(ends, dataset)
    if dataset.get("ModalityLUTSequence"):
        ends = np.array([0, 2 ** dataset.ModalityLUTSequence[0].LUTDescriptor[2] - 1])
    if window == "file" and ("WindowCenter" in dataset or dataset.get("VOILUTSequence")):
        values = apply_voi_lut(values, dataset)
        if dataset.get("VOILUTSequence"):
            ends = np.array([0, 2 ** dataset.VOILUTSequence[0].LUTDescriptor[2] - 1])
    elif window == "file" and bits > 8:
        shown = values[pixels != dataset.PixelPaddingValue] if "PixelPaddingValue" in dataset else values
        ends = np.percentile(shown, [0.5, 99.5], method="inverted_cdf")
        ends = ends if ends[0] < ends[1] else shown
    low, high = float(np.min(ends)), float(np.max(ends))
    return np.clip((values - low) / (high - low), 0, 1) if high > low else np.zeros(values.shape)


@cache
def with_pixels() -> tuple[str, ...]:
    """Names of the files that pydicom finds pixels in."""
    found = []
    for name, path in files().items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                dataset = pydicom.dcmread(
                    path, force=path.read_bytes()[128:132] != b"DICM", specific_tags=["Rows", "PixelData"]
                )
                if "PixelData" in dataset and "Rows" in dataset:
                    found.append(name)
            except Exception:  # no DICOM
                continue
    return tuple(found)
