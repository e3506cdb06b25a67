"""Any image file to an array. What a file is decides its content, never its suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from vesalius.data.outcomes import Decoded, Kind, Unreadable
from vesalius.data.readers.content import Content, content_of
from vesalius.data.readers.depth import MAX_VALUES
from vesalius.data.settings import Window
from vesalius.files import Unreachable, contents

DECODER = 2
"""Raised whenever the same file would give other pixels: it is part of every record's address."""

__all__ = ["DECODER", "MAX_VALUES", "Decoded", "Kind", "Unreadable", "read", "read_bytes", "read_image"]


def read(
    source: str | Path | bytes, frame: int = 0, *, enough: int | None = None, window: Window = "file"
) -> Decoded:
    """Decode ``frame`` of a file, or of a file's bytes.

    PNG, JPEG, TIFF, BMP, WebP, GIF, PNM, JPEG 2000, DICOM. Orientation tags are applied,
    palettes and CMYK become RGB, alpha is composited over black (transparent means no signal), white is 1 in every
    depth; floats and signed integers become 16 bits over a recorded range. ``enough``: the shorter side need not be
    larger than this (JPEG then decodes at a half, a quarter or an eighth). ``window``: of grey DICOM. Raises Unreadable with one sentence.
    """
    data = source if isinstance(source, bytes) else read_bytes(source)
    content = content_of(data)
    try:
        if content is Content.DICOM:
            from vesalius.data.readers import dicom

            return dicom.decode(data, frame, window)
        if content is Content.TIFF:
            from vesalius.data.readers import tiff

            return tiff.decode(data, frame)
        from vesalius.data.readers import pillow

        return pillow.decode(data, frame, enough)
    except MemoryError as error:
        raise Unreadable(Kind.TOO_LARGE, "It does not fit into memory.") from error


def read_image(source: str | Path | bytes, frame: int = 0) -> NDArray[Any]:
    """The pixels of ``read``: (H, W, C), uint8 or uint16."""
    return read(source, frame).pixels


def read_bytes(path: str | Path | Callable[[], bytes]) -> bytes:
    """A file's bytes, from its place or by a function; Unreadable where it is missing, forbidden, empty, or reading fails."""
    try:
        data = path() if callable(path) else contents(path)
    except FileNotFoundError:
        raise Unreadable(Kind.MISSING, "The file is not there.") from None
    except IsADirectoryError:
        raise Unreadable(Kind.NOT_AN_IMAGE, "It is a folder.") from None
    except Unreachable as error:
        raise Unreadable(Kind.UNREACHABLE, str(error)) from None
    except OSError as error:
        raise Unreadable(Kind.MISSING, f"The file could not be read: {error.strerror or error}.") from None
    if not data:
        raise Unreadable(Kind.EMPTY, "The file is empty (0 bytes).")
    return data
