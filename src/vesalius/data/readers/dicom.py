"""One frame of a DICOM image, by pydicom: DICOM PS3.3 C.7.6.3."""

from __future__ import annotations

import io
import logging
import re
import warnings
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from vesalius.data.outcomes import Decoded, Kind, Unreadable
from vesalius.data.readers.depth import MAX_VALUES, check_size, to_storable
from vesalius.data.readers.dicom_grey import stored
from vesalius.data.readers.dicom_words import modality
from vesalius.data.settings import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

warnings.filterwarnings("ignore", module=r"pydicom\.")  # what it would print of a bad file, the outcome says,
logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # and without the file's own words, which may be a name

_DEFLATED = b"1.2.840.10008.1.2.1.99"


def decode(data: bytes, frame: int = 0, window: Window = "file") -> Decoded:
    """See ``readers.read``. ``low`` and ``high`` are the values of 0 and 1 in the units of the modality (HU)."""
    import pydicom

    try:
        refuse_bomb(data)
        return _decode(pydicom.dcmread(io.BytesIO(data), force=True), frame, window)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a decoder fed with garbage raises nearly anything
        raise explained(error) from error


def _decode(dataset: Dataset, frame: int, window: Window) -> Decoded:
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise Unreadable(Kind.NOT_AN_IMAGE, f"It is DICOM without pixels ({modality(dataset.get('Modality'))}).")
    count, samples = int(dataset.get("NumberOfFrames") or 1), int(dataset.get("SamplesPerPixel", 1))
    if "Rows" not in dataset or "Columns" not in dataset:
        raise Unreadable(Kind.CORRUPT, "It does not say how many rows and columns it has.")
    check_size(int(dataset.Rows), int(dataset.Columns), samples)
    if not 0 <= frame < count:
        raise Unreadable(Kind.NO_FRAME, f"It has {count} frame{'s' * (count != 1)}, so there is no frame {frame}.")
    if "TransferSyntaxUID" not in getattr(dataset, "file_meta", {}):
        guess_syntax(dataset)
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array

    colours = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    pixels: NDArray[Any] = np.asarray(pixel_array(dataset, index=frame, correct_unused_bits=samples > 1 or colours == "PALETTE COLOR"))
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    notes = [f"frame {frame} of {count}"] if count > 1 else []
    if colours == "PALETTE COLOR":
        coloured = np.asarray(apply_color_lut(pixels[..., 0], dataset))
        if coloured.dtype == np.uint16 and not (coloured & 255).any():
            coloured = (coloured >> 8).astype(np.uint8)
        return to_storable(coloured, frames=count, notes=(*notes, "palette resolved"))
    if samples > 1:
        bits = int(dataset.BitsStored) if pixels.itemsize <= 2 else None
        return to_storable(pixels, bits, frames=count, notes=tuple(notes))
    return stored(pixels, dataset, frame, window, count, tuple(notes))


def guess_syntax(dataset: Dataset) -> None:
    """A file without its meta group: uncompressed, in the byte order it was read in."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    implicit, little = dataset.original_encoding
    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    little_endian = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    dataset.file_meta.TransferSyntaxUID = little_endian if little else ExplicitVRBigEndian


def refuse_bomb(data: bytes) -> None:
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


def explained(error: Exception) -> Unreadable:
    """What an error of pydicom or of a decoder means, in one sentence without the file's own words."""
    words = str(error)
    compressed = re.search(r"Unable to decompress '([^']+)'", words)
    extended = "does not support 'JPEG Extended'" in words and "pylibjpeg:" not in words
    if compressed or extended or "missing dependencies" in words or "no available" in words.lower():
        name = "JPEG Extended" if extended else compressed.group(1) if compressed else "a method of its own"
        return Unreadable(
            Kind.NEEDS_PACKAGE,
            f"Its pixels are compressed ({name}), which needs further packages: pip install 'vesalius[dicom]'.",
        )
    if "all available plugins" in words:
        return Unreadable(Kind.CORRUPT, "Its compressed pixels are damaged: no installed decoder reads them.")
    if isinstance(error, EOFError) or re.search("less than (the )?expected|fewer bytes|truncated", words):
        return Unreadable(Kind.TRUNCATED, "The file ends before its pixels do.")
    return Unreadable(Kind.CORRUPT, "Its content is damaged or not valid DICOM.")
