"""A picture of written label volumes on their scans, both read back from their files: what went out, as a viewer shows it."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vesalius.data.plan import Plan
from vesalius.data.readers.volume import read_labels, read_volume
from vesalius.data.volumes.geometry import Geometry, taken
from vesalius.evaluate.segmented.pictures import COLOURS

_MOST, _SIDE, _GAP, _VEIL = 6, 200, 4, 0.45
_UPRIGHT = Plan(orientation="RAS", spacing=None)


def previews(pairs: Sequence[tuple[str | Path, Path]]) -> bytes:
    """PNG of scans with their label volumes: a row for each of at most six, evenly chosen; the axial, coronal and sagittal plane
    through where most is labelled. Axes are those of RAS seen from the front and from below: left is the patient's right.
    """
    from PIL import Image

    shown = [pairs[n] for n in np.unique(np.linspace(0, len(pairs) - 1, min(_MOST, len(pairs))).round().astype(int))]
    sheet = Image.new("RGB", (3 * (_SIDE + _GAP) - _GAP, len(shown) * (_SIDE + _GAP) - _GAP))
    for down, (scan, labels) in enumerate(shown):
        image, found = read_volume(scan), read_labels(labels)
        geometry = Geometry.of(image.affine, image.values.shape, _UPRIGHT)
        values, marked = taken(image.values, geometry), taken(found.values, geometry, labels=True)
        for across, tile in enumerate(_planes(values.astype(np.float32), marked, geometry.spacing)):
            place = (across * (_SIDE + _GAP) + (_SIDE - tile.width) // 2, down * (_SIDE + _GAP) + (_SIDE - tile.height) // 2)
            sheet.paste(tile, place)
    buffer = BytesIO()
    sheet.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _planes(values: NDArray[np.float32], labels: NDArray[np.integer], spacing: Sequence[float]) -> list:  # type: ignore[type-arg]
    from PIL import Image

    low, high = (float(v) for v in np.percentile(values, (0.5, 99.5)))
    shade = np.clip((values - low) / (high - low if high > low else 1.0), 0, 1)
    tiles = []
    for axis in (2, 1, 0):
        others = tuple(k for k in range(3) if k != axis)
        at = int((labels > 0).sum(others).argmax()) if (labels > 0).any() else labels.shape[axis] // 2
        grey, mark = (np.take(part, at, axis).T[::-1, ::-1] for part in (shade, labels))
        rgb = np.repeat((grey * 255)[..., None], 3, -1)
        for value in np.unique(mark[mark > 0]):
            inside = mark == value
            rgb[inside] = (1 - _VEIL) * rgb[inside] + _VEIL * np.array(COLOURS[(int(value) - 1) % len(COLOURS)])
        mm = (grey.shape[1] * spacing[others[0]], grey.shape[0] * spacing[others[1]])
        size = (max(1, round(_SIDE * mm[0] / max(mm))), max(1, round(_SIDE * mm[1] / max(mm))))
        tiles.append(Image.fromarray(rgb.astype(np.uint8)).resize(size, Image.Resampling.BILINEAR))
    return tiles
