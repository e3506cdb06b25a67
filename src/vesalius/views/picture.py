"""A picture of what a recipe does: each image, and beside it its views."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.pixels import Pixels
from vesalius.views.batch import Draws
from vesalius.views.operations.normalise import Normalise
from vesalius.views.operations.token_mask import TokenMask
from vesalius.views.patches import grid_of, sides_of, unpatchify
from vesalius.views.pipeline import Group, Views

GAP = 2
"""White pixels between tiles."""
VEIL = 0.85
"""How much of a hidden patch is grey."""


def grid(views: Views, pixels: Pixels, draws: Draws) -> NDArray[np.uint8]:
    """``(height, width, 3)``: one row for each image of ``pixels``; the original first, then every view of every group.

    Values from 0 (black) to 1 (white); normalisation is left out, patches hidden by ``token_mask`` are greyed. Images of
    other than one or three channels are shown by their first three, or by the mean of two.
    """
    kept = [_unnormalised(group) for group in views.groups]
    shown = Views(kept, views.channels, views.config(), per_channel=views.per_channel)
    batch = shown.apply(pixels, draws)
    made = {group.name: _veiled(group, batch.views[group.name], batch.drawn) for group in shown.groups}
    side = max(max(size) for _, size in views.makes.values())
    columns = [torch.stack([_original(pixels, i, side) for i in range(len(pixels.data))])]
    for group in made.values():
        columns += [_tiles(view, side) for view in group.float().cpu()]
    sheet = torch.stack(columns, dim=1)
    sheet = F.pad(sheet, [0, GAP, 0, GAP], value=1.0)
    rows, width = sheet.shape[:2]
    joined = sheet.permute(0, 3, 1, 4, 2).reshape(rows * (side + GAP), width * (side + GAP), 3)
    return np.asarray((joined[:-GAP, :-GAP].clamp(0, 1) * 255).round().to(torch.uint8).numpy())


def _unnormalised(group: Group) -> Group:
    kept = {key: op for key, op in group.operations.items() if not isinstance(op, Normalise)}
    return Group(group.name, group.count, group.size, kept)


def _veiled(group: Group, view: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
    """``view`` (V, B, C, height, width) with its hidden patches greyed, where the group has some."""
    for operation in group.operations.values():
        if isinstance(operation, TokenMask):
            hide = drawn[f"hide/{group.name}"].flatten(0, 1).float()[..., None]
            pixels = hide.expand(-1, -1, math.prod(sides_of(operation.patch, len(group.size))))
            veil = unpatchify(pixels, operation.patch, grid_of(group.size, operation.patch))
            view = torch.lerp(view, torch.full_like(view, 0.5), VEIL * veil.view(*view.shape[:2], 1, *group.size))
    return view


def _original(pixels: Pixels, row: int, side: int) -> Tensor:
    """``(3, side, side)``: the whole stored window, its longer side as long as the tile."""
    height, width = pixels.extents[row, 0].tolist()
    stored = pixels.data[row, 0, :, :height, :width].float().cpu()
    image = stored * float(pixels.scale[row, 0]) + float(pixels.offset[row, 0])
    longest = max(height, width)
    size = (max(1, round(height * side / longest)), max(1, round(width * side / longest)))
    return _tiles(F.interpolate(image[None], size, mode="bilinear", antialias=True), side)[0]


def _tiles(images: Tensor, side: int) -> Tensor:
    """``(N, 3, side, side)``: images (N, C, height, width) in colour, in the middle of white tiles."""
    n, channels, height, width = images.shape
    colour = images[:, :3] if channels >= 3 else images.mean(dim=1, keepdim=True).expand(n, 3, height, width)
    tile = images.new_ones(n, 3, side, side)
    top, left = (side - height) // 2, (side - width) // 2
    tile[:, :, top : top + height, left : left + width] = colour
    return tile
