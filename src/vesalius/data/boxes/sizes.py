"""How large images are, by their headers alone, turned upright as they are decoded."""

from __future__ import annotations

import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.data import readers
from vesalius.data.outcomes import Unreadable
from vesalius.data.readers.dicom_header import header_of
from vesalius.data.table import SampleTable

_START = 1 << 16  # bytes that hold nearly every header
_SIDEWAYS = (5, 6, 7, 8)  # orientations of EXIF that swap width and height
_THREADS = 8


def size_of(path: Path) -> tuple[int, int]:
    """Width and height in px; (0, 0) where the file is not there or is no image."""
    try:
        with path.open("rb") as file:
            start = file.read(_START)
            if start[128:132] == b"DICM":
                header = header_of(start)
                if header is not None and header.number("Rows") and header.number("Columns"):
                    return header.number("Columns"), header.number("Rows")
            try:
                return _of_header(start)
            except Exception:  # the header may lie further behind, as in TIFF
                data = start + file.read()
    except OSError:
        return 0, 0
    try:
        return _of_header(data)
    except Exception:  # what Pillow cannot open may be read all the same
        try:
            pixels = readers.read_image(data)
        except Unreadable:
            return 0, 0
        return pixels.shape[1], pixels.shape[0]


def _of_header(data: bytes) -> tuple[int, int]:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
        return (height, width) if image.getexif().get(0x0112, 1) in _SIDEWAYS else (width, height)


def _in_containers(table: SampleTable) -> NDArray[np.int64]:
    """As ``sizes_of``, of rows of arrays; items of a user's own data set are looked at one by one."""
    assert table.container is not None
    out = np.zeros((len(table), 2), np.int64)
    frames = table.frame["frame"].to_numpy(np.int64)
    for row, uri in enumerate(table.frame["uri"].tolist()):
        array = table.container(uri)
        try:
            shape = array.shape[1:] if isinstance(array, np.ndarray) else array[frames[row]].shape
        except Unreadable:
            continue
        out[row] = shape[1], shape[0]
    return out


def sizes_of(table: SampleTable, stated: Mapping[str, tuple[int, int]] | None = None) -> NDArray[np.int64]:
    """``(N, 2)`` width and height of each row's image: as the table or ``stated`` (by uri) knows it, else by its header; 0 where it is not known."""
    out = np.zeros((len(table), 2), np.int64)
    if {"width", "height"} <= set(table.frame.columns):
        out = table.frame[["width", "height"]].fillna(0).to_numpy(np.int64, copy=True)
    uris = table.frame["uri"].tolist()
    if table.container is not None:
        return _in_containers(table)
    known = stated or {}
    for row in np.flatnonzero((out <= 0).any(1)).tolist():
        out[row] = known.get(uris[row], (0, 0))
    lacking = np.flatnonzero((out <= 0).any(1))
    asked = list(dict.fromkeys(uris[row] for row in lacking.tolist()))
    with ThreadPoolExecutor(_THREADS) as pool:
        measured = dict(zip(asked, pool.map(lambda uri: size_of(table.path(uri)), asked), strict=True))
    for row in lacking.tolist():
        out[row] = measured[uris[row]]
    return out
