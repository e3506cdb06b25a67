"""TIFF and BigTIFF by tifffile, for its depths, pages and channels; LZW, JPEG and fax compression by libtiff."""

from __future__ import annotations

import io
import logging
from dataclasses import replace
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from vesalius.data.outcomes import Decoded, Kind, Unreadable
from vesalius.data.readers import pillow
from vesalius.data.readers.depth import check_size, over_black, to_storable, upright

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it would print of a bad file, the outcome says

_HERE = {1, 8, 32946, 32773, 34925}  # none, deflate (two numbers), PackBits, LZMA: decoded without further packages


def decode(data: bytes, frame: int = 0) -> Decoded:
    """See ``readers.read``; ``frame`` is a page."""
    try:
        return _decode(data, frame)
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # a decoder fed with garbage raises nearly anything
        raise Unreadable(Kind.CORRUPT, "Its content is damaged.") from error


def _decode(data: bytes, frame: int) -> Decoded:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        count = len(file.pages)
        if count == 0:
            raise Unreadable(Kind.TRUNCATED, "The file ends before its first page.")
        if not 0 <= frame < count:
            raise Unreadable(Kind.NO_FRAME, f"It has {count} page{'s' * (count != 1)}, so there is no page {frame}.")
        page = file.pages[frame]
        assert isinstance(page, tifffile.TiffPage)
        check_size(page.imagelength, page.imagewidth, page.samplesperpixel * max(1, page.imagedepth))
        ends = np.asarray(page.dataoffsets, np.int64) + np.asarray(page.databytecounts, np.int64)
        if ends.size == 0 or int(ends.max()) > len(data):
            raise Unreadable(Kind.TRUNCATED, "The file ends before its pixels do.")
        bits = int(np.max(page.bitspersample))
        if int(page.compression) not in _HERE or int(page.photometric) == 6 or bits not in (1, 8, 16, 32, 64):
            if bits > 8 and page.samplesperpixel > 1:
                raise Unreadable(
                    Kind.UNSUPPORTED,
                    f"It has {page.samplesperpixel} channels of {bits} bits compressed by {_name(page.compression)}; "
                    "save it without compression or with deflate.",
                )
            decoded = pillow.decode(data, frame)
            if 8 < bits < 16 and decoded.pixels.dtype == np.uint16:
                white = float(2**bits - 1)
                return replace(decoded, scale=1 / white, high=white)
            return decoded
        pixels = _channels_last(page)
        notes = [f"page {frame} of {count}"] if count > 1 else []
        pixels = _coloured(pixels, page, notes)
        if page.extrasamples and int(page.extrasamples[0]) in (1, 2) and pixels.shape[-1] in (2, 4):
            if pixels.dtype.kind != "u":
                raise Unreadable(Kind.UNSUPPORTED, "It has alpha in floating point, which is not read.")
            pixels = over_black(pixels, notes, premultiplied=int(page.extrasamples[0]) == 1)
        tag = page.tags.get(274)
        orientation = int(tag.value) if tag is not None else 1
        if orientation in range(2, 9):
            notes.append(f"turned upright (orientation {orientation})")
        return to_storable(upright(pixels, orientation), frames=count, notes=tuple(notes))


def _channels_last(page: tifffile.TiffPage) -> NDArray[Any]:
    pixels = page.asarray(maxworkers=1)
    axes = page.axes
    if axes == "YX":
        return pixels[..., None]
    if axes == "YXS":
        return pixels
    if axes == "SYX":
        return np.moveaxis(pixels, 0, -1)
    raise Unreadable(Kind.UNSUPPORTED, f"One of its pages has the axes {axes}; only flat pages are read as images.")


def _coloured(pixels: NDArray[Any], page: tifffile.TiffPage, notes: list[str]) -> NDArray[Any]:
    photometric = int(page.photometric)
    if photometric == 0:
        notes.append("white is zero: inverted")
        if pixels.dtype.kind == "u":
            return np.iinfo(pixels.dtype).max - pixels
        return ~pixels if pixels.dtype.kind == "b" else -pixels
    if photometric == 3:
        notes.append("palette resolved")
        palette = np.asarray(page.colormap).T
        eight_bits: NDArray[Any] = (palette >> 8 if palette.max() > 255 else palette).astype(np.uint8)
        resolved: NDArray[Any] = eight_bits[pixels[..., 0]]
        return resolved
    if photometric == 5:
        if pixels.dtype != np.uint8 or pixels.shape[-1] != 4:
            raise Unreadable(Kind.UNSUPPORTED, "It is CMYK of another depth than 8 bits, which is not read.")
        notes.append("CMYK converted to RGB")
        white = 255 - pixels.astype(np.uint16)
        colours: NDArray[Any] = ((white[..., :3] * white[..., 3:] + 127) // 255).astype(np.uint8)
        return colours
    if photometric in (1, 2):
        return pixels
    raise Unreadable(Kind.UNSUPPORTED, f"Its colours are of the kind {_name(page.photometric)}, which is not read.")


def _name(member: object) -> str:
    return str(getattr(member, "name", member))
