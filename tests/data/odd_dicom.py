"""DICOM as pydicom's own tests hold it, and a few files made from those."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.uid import DeflatedExplicitVRLittleEndian

from tests.data.odd_files import Array, Odd
from vesalius.data.outcomes import Kind

KIND = "DICOM (pydicom's)"


def _bytes(name: str) -> bytes:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str), f"pydicom has no test file {name}"
    return Path(path).read_bytes()


def _grey(name: str, least: int = 0, frame: int = 0) -> Array:
    """pydicom's array, lifted so that the least value that its bits can hold is 0."""
    pixels = pydicom.dcmread(io.BytesIO(_bytes(name))).pixel_array
    pixels = pixels[frame] if pixels.ndim == 3 else pixels
    return (pixels.astype(np.int64) - least).astype(np.uint16)[..., None]


def _changed(name: str, **tags: object) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(_bytes(name)))
    for tag, value in tags.items():
        setattr(dataset, tag, value)
    file = io.BytesIO()
    dataset.save_as(file)
    return file.getvalue()


def _deflated_bomb() -> bytes:
    file = io.BytesIO()
    dataset = pydicom.dcmread(io.BytesIO(_bytes("CT_small.dcm")))
    del dataset.PixelData
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(file)
    whole = file.getvalue()
    meta = 144 + int.from_bytes(whole[140:144], "little")
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = deflater.compress(bytes(1 << 24)) + deflater.flush(zlib.Z_FULL_FLUSH)  # may be repeated as it is
    return whole[:meta] + block * 33


def dicom() -> list[Odd]:
    ct, mr = _grey("CT_small.dcm", -32768), _grey("MR_small.dcm", -32768)
    colour = pydicom.dcmread(io.BytesIO(_bytes("examples_rgb_color.dcm"))).pixel_array
    inverted = _changed("MR_small.dcm", PhotometricInterpretation="MONOCHROME1")
    dose = pydicom.dcmread(io.BytesIO(_bytes("rtdose.dcm"))).pixel_array[3].astype(np.float64)
    spread = np.rint((dose - dose.min()) / (dose.max() - dose.min()) * 65535).astype(np.uint16)[..., None]
    palette = pydicom.dcmread(io.BytesIO(_bytes("examples_palette.dcm")))
    looked_up = pydicom.pixels.apply_color_lut(palette.pixel_array, palette)
    looked_up = (looked_up >> 8).astype(np.uint8) if not (looked_up & 255).any() else looked_up
    hounsfield = (-32768.0 - 1024, 32767.0 - 1024)
    plain = _windowed(mr.astype(float) - 32768)
    ours = _levels((ct.astype(float) - 32768 - 1024 + 160) / 400)
    every, whole = "all 16 bits", "window: none; all 16 bits"
    return [
        Odd(KIND, "CT_small.dcm", _bytes("CT_small.dcm"), ct, "window: none; HU known", white=65535, window="none", low_high=hounsfield),
        Odd(KIND, "CT_small.dcm", _bytes("CT_small.dcm"), ours, "window: [40, 400] HU", window=(40.0, 400.0), tolerance=1, low_high=(-160, 240)),
        Odd(KIND, "CT_small.dcm without preamble", _bytes("CT_small.dcm")[132:], ct, "window: none; HU known", window="none", low_high=hounsfield),
        Odd(KIND, "MR_small.dcm", _bytes("MR_small.dcm"), plain, f"its own window, {every}", tolerance=1),
        Odd(KIND, "MR_small.dcm", _bytes("MR_small.dcm"), mr, whole, window="none"),
        Odd(KIND, "MR_small_RLE.dcm", _bytes("MR_small_RLE.dcm"), mr, whole, window="none"),
        Odd(KIND, "MR_small_bigendian.dcm", _bytes("MR_small_bigendian.dcm"), mr, whole, window="none"),
        Odd(KIND, "MR_small_implicit.dcm", _bytes("MR_small_implicit.dcm"), mr, whole, window="none"),
        Odd(KIND, "MR_small.dcm as MONOCHROME1", inverted, 65535 - mr, "window: none; inverted", window="none"),
        Odd(KIND, "MR_small.dcm as MONOCHROME1", inverted, 65535 - plain, "its own window, inverted", tolerance=1),
        Odd(KIND, "examples_rgb_color.dcm", _bytes("examples_rgb_color.dcm"), colour, "RGB"),
        Odd(KIND, "examples_palette.dcm", _bytes("examples_palette.dcm"), looked_up, "RGB"),
        Odd(KIND, "rtdose.dcm", _bytes("rtdose.dcm"), spread, "window: none; the frame asked for, its range over 16 bits", frame=3,
            window="none"),
        Odd(KIND, "rtdose.dcm", _bytes("rtdose.dcm"), Kind.NO_FRAME, "refused", frame=15),
        Odd(KIND, "MR_small_jpeg_ls_lossless.dcm", _bytes("MR_small_jpeg_ls_lossless.dcm"), plain, "its own window; needs the extra dicom",
            tolerance=1),
        Odd(KIND, "JPEG-lossy.dcm", _bytes("JPEG-lossy.dcm"), Kind.CORRUPT, "refused"),
        Odd(KIND, "JPEG2000-embedded-sequence-delimiter.dcm", _bytes("JPEG2000-embedded-sequence-delimiter.dcm"), Kind.CORRUPT, "refused"),
        Odd(KIND, "badVR.dcm", _bytes("badVR.dcm"), Kind.CORRUPT, "refused"),
        Odd(KIND, "rtplan.dcm", _bytes("rtplan.dcm"), Kind.NOT_AN_IMAGE, "refused"),
        Odd(KIND, "MR_truncated.dcm", _bytes("MR_truncated.dcm"), Kind.TRUNCATED, "refused"),
        Odd(KIND, "CT_small.dcm of 60000 x 60000", _changed("CT_small.dcm", Rows=60000, Columns=60000),
            Kind.TOO_LARGE, "refused"),
        Odd(KIND, "a deflated bomb", _deflated_bomb(), Kind.TOO_LARGE, "refused"),
    ]  # fmt: skip


def _windowed(values: Array) -> Array:
    """What MR_small's own window makes of its values."""
    dataset = pydicom.dcmread(io.BytesIO(_bytes("MR_small.dcm")), stop_before_pixels=True)
    centre, width = float(dataset.WindowCenter), float(dataset.WindowWidth)
    return _levels((values - (centre - 0.5)) / (width - 1) + 0.5)


def _levels(shares: Array) -> Array:
    return np.rint(np.clip(shares, 0, 1) * 65535).astype(np.uint16)
