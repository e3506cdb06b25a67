"""Volumes as pictures: three planes through the middle, as a radiologist holds them."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

GAP = 2
"""White pixels between tiles."""


def planes(image: Float[Tensor, "*size"]) -> list[Tensor]:
    """Axial, coronal and sagittal plane through the middle of a volume (x, y, z) in RAS; of an image itself alone.

    Right is on the left and the front on top, or on the left of a sagittal plane: what goes up to the right, the front or the
    top of the body goes to the left or up in the picture.
    """
    if image.ndim == 2:
        return [image]
    x, y, z = (side // 2 for side in image.shape)
    return [plane.T.flip(0, 1) for plane in (image[:, :, z], image[:, y], image[x])]


def sheet(rows: Sequence[Sequence[Tensor]], titles: Sequence[str] = (), least: int = 96) -> bytes:
    """PNG bytes: one column for each image (*size) of a row, one line for each of its planes; black to white is the first's range.

    Tiles have one size, at least ``least`` pixels where whole enlargement allows. ``titles`` of the columns stand in the file's text
    ``columns``, parted by bars.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    lines: list[list[Tensor]] = []
    for row in rows:
        low, high = row[0].min(), row[0].max()
        grey = [((image - low) / (high - low).clamp_min(1e-12)).clamp(0, 1).float().cpu() for image in row]
        lines += [list(line) for line in zip(*(planes(image) for image in grey), strict=True)]
    height, width = (max(tile.shape[axis] for line in lines for tile in line) for axis in (0, 1))
    larger = max(1, -(-least // max(height, width)))
    whole = torch.cat([torch.cat([_tile(tile, height, width, larger) for tile in line], 1) for line in lines])[:-GAP, :-GAP]
    buffer = BytesIO()
    said = PngInfo()
    said.add_text("columns", "|".join(titles))
    Image.fromarray((whole * 255).round().to(torch.uint8).numpy()).save(buffer, "png", optimize=True, pnginfo=said)
    return buffer.getvalue()


def _tile(image: Tensor, height: int, width: int, larger: int) -> Tensor:
    """``image`` enlarged, in the middle of a white tile with its gap."""
    top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
    padded = F.pad(image, [left, width - image.shape[1] - left, top, height - image.shape[0] - top], value=1.0)
    big = padded.repeat_interleave(larger, 0).repeat_interleave(larger, 1)
    return F.pad(big, [0, GAP, 0, GAP], value=1.0)
