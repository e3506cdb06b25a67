"""How large stored pixels will be, judged by headers before anything is decoded."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vesalius.data.reducing import reduced_size
from vesalius.data.settings import StoreSettings
from vesalius.files import AT_ONCE, Objects

if TYPE_CHECKING:
    from vesalius.data.building import Sources

_SAMPLE = 48  # files looked into
_START = 1 << 16  # bytes that hold nearly every header


def estimated_bytes(sources: Sources, rows: NDArray[np.int64], settings: StoreSettings) -> int:
    """Bytes that storing ``rows`` will take: the mean of some evenly spaced ones, times their number."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(_SAMPLE, len(rows))).astype(np.int64))
    shapes: dict[str, tuple[int, ...]] = {}  # of containers, each loaded once
    if sources.container is None and sources.objects is not None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(lambda row: _one(sources, row, settings, shapes), rows[chosen].tolist()))
    else:
        found = [_one(sources, row, settings, shapes) for row in rows[chosen].tolist()]
    sizes = [size for size in found if size]
    return int(np.mean(sizes) * len(rows)) if sizes else 0


def _one(sources: Sources, row: int, settings: StoreSettings, shapes: dict[str, tuple[int, ...]]) -> int:
    uri = sources.uris[row]
    if sources.container is not None:
        if uri not in shapes:
            array = sources.container(uri)
            shapes[uri] = (*array.shape[1:3], array.shape[3] if array.ndim == 4 else 1, min(2, array.dtype.itemsize))
        height, width, channels, depth = shapes[uri]
    else:
        size = int(sources.sizes[row])
        known = _header(sources.paths[row], size) if sources.objects is None else _start(sources.objects, sources.files[row], size)
        height, width, channels, depth = known
    box = sources.boxes[row]
    if box is not None:
        width, height = min(width, int(np.ceil(box[2]))), min(height, int(np.ceil(box[3])))
    if height < 1 or width < 1:
        return 0
    height, width = reduced_size(height, width, settings)
    return height * width * (1 if settings.channels == 1 else channels) * depth


def _header(path: str, size: int) -> tuple[int, int, int, int]:
    """Height, width, channels, bytes a value. What Pillow cannot open is taken for uncompressed 8-bit pixels."""
    from PIL import Image

    try:
        with open(path, "rb") as file:
            start = file.read(_START)
            if (known := _of_dicom(start)) is not None:
                return known
            try:
                with Image.open(io.BytesIO(start)) as image:
                    return _described(image)
            except Exception:  # the header may lie further behind, as in TIFF
                file.seek(0)
                with Image.open(file) as image:
                    return _described(image)
    except Exception:  # whatever is wrong with it, decoding will say
        return 1, max(0, size), 1, 1


def _start(objects: Objects, uri: str, size: int) -> tuple[int, int, int, int]:
    """As ``_header``, of a file behind an address, by its first bytes alone."""
    from PIL import Image

    try:
        start = objects.read(uri, end=min(size, _START))
        if (known := _of_dicom(start)) is not None:
            return known
        with Image.open(io.BytesIO(start)) as image:
            return _described(image)
    except Exception:  # whatever is wrong with it, decoding will say
        return 1, max(0, size), 1, 1


def _of_dicom(start: bytes) -> tuple[int, int, int, int] | None:
    """What the beginning of a DICOM file says; None where it is none, or does not say it."""
    if start[128:132] != b"DICM":
        return None
    from vesalius.data.readers.dicom_header import header_of

    found = header_of(start)
    if found is None or not found.number("Rows") or not found.number("Columns"):
        return None
    return found.number("Rows"), found.number("Columns"), max(1, found.number("SamplesPerPixel")), 1 + (found.number("BitsStored") > 8)


def _described(image: object) -> tuple[int, int, int, int]:
    from PIL.Image import Image

    assert isinstance(image, Image)
    deep = image.mode in ("I", "F") or image.mode.startswith("I;16")
    return image.height, image.width, 1 if deep or image.mode in ("1", "L", "LA") else 3, 1 + deep
