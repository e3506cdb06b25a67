"""Pictures of segmented volumes: three planes, with the contours of the truth and of the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

COLOURS = (
    (0, 158, 115), (230, 159, 0), (86, 180, 233), (213, 94, 0), (204, 121, 167), (240, 228, 66), (0, 114, 178), (153, 204, 50),
    (255, 105, 97), (64, 224, 208), (186, 85, 211), (255, 182, 193), (139, 195, 255),
)  # fmt: skip
"""Of label 1, 2, ...: told apart by most eyes (Okabe and Ito first)."""
_HEIGHT, _GAP = 220, 6


def sheet(
    image: NDArray[np.floating], truth: NDArray[np.integer], predicted: NDArray[np.integer], spacing: Sequence[float]
) -> bytes:
    """PNG of volumes (x, y, z) of voxels of ``spacing`` mm: a row for each plane (axial, coronal, sagittal) through where most is
    labelled; the image, the true contours, the predicted ones. Axes are those of RAS: left on the picture is the patient's right.
    """
    from PIL import Image

    marked = truth if (truth > 0).any() else predicted
    at = [int((marked > 0).sum(tuple(k for k in range(3) if k != axis)).argmax()) for axis in range(3)]
    low, high = (float(v) for v in np.percentile(image, (0.5, 99.5)))
    shade = np.clip((image - low) / (high - low if high > low else 1.0), 0, 1)
    rows = []
    for axis in (2, 1, 0):
        planes = [np.take(volume, at[axis], axis) for volume in (shade, truth, predicted)]
        sides = [spacing[k] for k in range(3) if k != axis]
        grey, true, found = (_upright(plane, sides, label=n > 0) for n, plane in enumerate(planes))
        rgb = np.repeat((grey * 255).astype(np.uint8)[..., None], 3, -1)
        rows.append([rgb, _outlined(rgb, true), _outlined(rgb, found)])
    width = max(row[0].shape[1] for row in rows)
    picture = np.zeros((len(rows) * (_HEIGHT + _GAP) - _GAP, 3 * (width + _GAP) - _GAP, 3), np.uint8)
    for r, row in enumerate(rows):
        for c, part in enumerate(row):
            left = c * (width + _GAP) + (width - part.shape[1]) // 2
            picture[r * (_HEIGHT + _GAP) :][:_HEIGHT, left : left + part.shape[1]] = part
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _upright(plane: NDArray[np.generic], sides: Sequence[float], *, label: bool) -> NDArray[np.generic]:
    """``plane`` (first axis to the right, second up) as rows from the top, its pixels square, ``_HEIGHT`` high."""
    from PIL import Image

    turned = np.ascontiguousarray(plane.T[::-1, ::-1])
    height = turned.shape[0] * sides[1]
    width = max(1, round(_HEIGHT * turned.shape[1] * sides[0] / height))
    how = Image.Resampling.NEAREST if label else Image.Resampling.BILINEAR
    source = turned.astype(np.uint8 if label else np.float32)
    return np.asarray(Image.fromarray(source).resize((width, _HEIGHT), how))


def _outlined(rgb: NDArray[np.uint8], labels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """``rgb`` with the inner rim of every label in its colour."""
    inside = np.pad(labels, 1, mode="edge")
    rim = np.zeros(labels.shape, bool)
    for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
        rim |= inside[dy : dy + labels.shape[0], dx : dx + labels.shape[1]] != labels
    out = rgb.copy()
    for value in np.unique(labels[labels > 0]):  # type: ignore[operator]
        out[rim & (labels == value)] = COLOURS[(int(value) - 1) % len(COLOURS)]
    return out
