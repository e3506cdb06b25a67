"""One frame of a DICOM image, by pydicom where that is installed: DICOM PS3.3 C.7.6.3 and C.11.1."""

from __future__ import annotations

import io
import re
import warnings
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from vesalius.data.outcomes import Decoded, Kind, Unreadable
from vesalius.data.readers.depth import MAX_VALUES, check_size, to_storable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

warnings.filterwarnings("ignore", module=r"pydicom\.")  # what it would print of a bad file, the outcome says

_DEFLATED = b"1.2.840.10008.1.2.1.99"


def decode(data: bytes, frame: int = 0) -> Decoded:
    """See ``readers.read``. MONOCHROME1 is inverted; rescaled values (HU) are kept as stored integers with ``low`` and
    ``high``, the rescaled values of 0 and 1. No window is applied: that is the card's business.
    """
    try:
        import pydicom
    except ImportError:
        raise Unreadable(Kind.NEEDS_PACKAGE, "It is DICOM, which needs pydicom: pip install pydicom.") from None
    try:
        _refuse_bomb(data)
        return _decode(pydicom.dcmread(io.BytesIO(data), force=True), frame)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a decoder fed with garbage raises nearly anything
        raise _explained(error) from error


def _decode(dataset: Dataset, frame: int) -> Decoded:
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        kind = dataset.get("Modality", "no modality")
        raise Unreadable(Kind.NOT_AN_IMAGE, f"It is DICOM without pixels ({kind}).")
    count, samples = int(dataset.get("NumberOfFrames") or 1), int(dataset.get("SamplesPerPixel", 1))
    if "Rows" not in dataset or "Columns" not in dataset:
        raise Unreadable(Kind.CORRUPT, "It does not say how many rows and columns it has.")
    check_size(int(dataset.Rows), int(dataset.Columns), samples)
    if not 0 <= frame < count:
        raise Unreadable(Kind.NO_FRAME, f"It has {count} frame{'s' * (count != 1)}, so there is no frame {frame}.")
    if "TransferSyntaxUID" not in getattr(dataset, "file_meta", {}):
        _guess_syntax(dataset)
    from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
    from pydicom.pixels.utils import pixel_array

    pixels: NDArray[Any] = np.asarray(pixel_array(dataset, index=frame))
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    colours = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    notes = [f"frame {frame} of {count}"] if count > 1 else []
    if colours == "PALETTE COLOR":
        coloured = np.asarray(apply_color_lut(pixels[..., 0], dataset))
        if coloured.dtype == np.uint16 and not (coloured & 255).any():
            coloured = (coloured >> 8).astype(np.uint8)
        return to_storable(coloured, frames=count, notes=(*notes, "palette resolved"))
    if samples > 1:
        bits = int(dataset.BitsStored) if pixels.itemsize <= 2 else None
        return to_storable(pixels, bits, frames=count, notes=tuple(notes))
    inverted = colours == "MONOCHROME1"
    if inverted:
        notes.append("MONOCHROME1 inverted")
    if "ModalityLUTSequence" in dataset:
        pixels = np.asarray(apply_modality_lut(pixels[..., 0], dataset))[..., None]
        notes.append("modality table applied")
        white = 2 ** int(dataset.ModalityLUTSequence[0].LUTDescriptor[2]) - 1
        stored, low, high = np.clip(pixels, 0, white).astype(np.uint16), 0.0, float(white)
    elif pixels.dtype.kind == "f" or int(dataset.BitsStored) > 16:
        values = -pixels.astype(np.float64) if inverted else pixels
        return to_storable(values, frames=count, notes=tuple(notes))
    else:
        stored, white, low, high = _rescaled(pixels, dataset, notes)
    if inverted:
        stored, low, high = (white - stored).astype(stored.dtype), high, low
    return Decoded(stored, 1 / white, low=low, high=high, frames=count, notes=tuple(notes))


def _rescaled(pixels: NDArray[Any], dataset: Dataset, notes: list[str]) -> tuple[NDArray[Any], int, float, float]:
    """Stored integers from 0 to ``white``, and the rescaled values of both ends."""
    bits = int(dataset.BitsStored)
    least = -(2 ** (bits - 1)) if int(dataset.PixelRepresentation) else 0
    white = 2**bits - 1
    slope, intercept = float(dataset.get("RescaleSlope") or 1), float(dataset.get("RescaleIntercept") or 0)
    if slope != 1 or intercept != 0:
        notes.append(f"rescaled by {slope:g}, {intercept:+g}")
    stored = np.clip(pixels.astype(np.int64) - least, 0, white).astype(np.uint8 if bits <= 8 else np.uint16)
    low, high = slope * least + intercept, slope * (least + white) + intercept
    return (stored, white, low, high) if slope > 0 else ((white - stored).astype(stored.dtype), white, high, low)


def _guess_syntax(dataset: Dataset) -> None:
    """A file without its meta group: uncompressed, in the byte order it was read in."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    implicit, little = dataset.original_encoding
    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    little_endian = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    dataset.file_meta.TransferSyntaxUID = little_endian if little else ExplicitVRBigEndian


def _refuse_bomb(data: bytes) -> None:
    """Inflate a deflated data set and throw the result away, because pydicom would inflate it without a limit."""
    if _DEFLATED not in data[:4096] or data[132:140] != b"\x02\0\0\0UL\x04\0":
        return
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    rest, total = data[144 + int.from_bytes(data[140:144], "little") :], 0
    while rest and not inflating.eof:
        total += len(inflating.decompress(rest, 1 << 24))
        rest = inflating.unconsumed_tail
        if total > MAX_VALUES:
            raise Unreadable(Kind.TOO_LARGE, "It is deflated and would unpack to more than is read.")


def _explained(error: Exception) -> Unreadable:
    words = str(error)
    missing = re.search(r"Unable to decompress '([^']+)'", words)
    if missing or "missing dependencies" in words or "no available" in words.lower():
        name = missing.group(1) if missing else "this compression"
        return Unreadable(
            Kind.NEEDS_PACKAGE,
            f"Its pixels are compressed by {name}, which needs a package: pip install pylibjpeg[all] or python-gdcm.",
        )
    if isinstance(error, EOFError) or re.search("less than (the )?expected|fewer bytes|truncated", words):
        return Unreadable(Kind.TRUNCATED, "The file ends before its pixels do.")
    return Unreadable(Kind.CORRUPT, "Its content is damaged or not valid DICOM.")
