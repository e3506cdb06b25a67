"""A picture of what a recipe's views do to images."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vesalius import registry
from vesalius import views as views_room
from vesalius.data.dataset import open_data, pick_channels, resolve
from vesalius.data.pixels import Pixels
from vesalius.data.planning import planned
from vesalius.data.record_store import RecordStore
from vesalius.data.settings import StoreSettings
from vesalius.errors import UserError
from vesalius.features.records import MARGIN
from vesalius.files import atomic_write
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.layers import raw
from vesalius.recipes.shipped import shipped_name
from vesalius.terminal import Terminal
from vesalius.views.drawing import drawn
from vesalius.views.operations.token_mask import TokenMask
from vesalius.views.patches import grid_of, patchify, unpatchify
from vesalius.views.picture import grid
from vesalius.views.pipeline import Group, Views
from vesalius.views.planes import sheet as sheet_of_planes

_VOLUMES = 3
"""Volumes in a picture."""


def picture(name: str, data: str, out: Path, count: int, terminal: Terminal) -> Path:
    """Write a grid of ``count`` images of ``data`` under the views of recipe ``name``: the original, then each view.

    Raises UserError for no image at all, and for data that the views are not of.
    """
    if count < 1:
        raise UserError(f"--count is {count}; show at least one image.")
    recipe = views_of(name)
    table = resolve(data, terminal=terminal, allow_leakage=True)
    table = table.subset(np.arange(min(count, len(table))))
    channels = pick_channels(table)
    made = views_room.load(recipe, 1 if channels == 1 else 3)
    if made.dims != table.dims:
        kinds = {2: "images", 3: "volumes"}
        raise UserError(
            f"{name} makes views of {kinds[made.dims]}, and the data given are {kinds[table.dims]}. Choose other data, or a recipe "
            f"of `vesalius recipes list` for {kinds[table.dims]}."
        )
    if made.dims == 3:
        store = open_data(data, table, planned(table, {"patch": next(iter(made.makes.values()))[1]}).plan, terminal, max_bad_share=1.0).store
        return atomic_write(out, picture_of(made, store, np.arange(len(store.ids)), 0))
    size = round(MARGIN * max(max(side) for _, side in made.makes.values()))
    store = open_data(data, table, StoreSettings(size=size, channels=channels), terminal, max_bad_share=1.0).store
    if store.channels not in (1, 3):
        made = views_room.load(recipe, store.channels)
    return atomic_write(out, picture_of(made, store, np.arange(len(store.ids)), 0))


def views_of(name: str) -> str | Mapping[str, Any]:
    """The views of a recipe or of a YAML file of one; ``name`` itself where it names views, or a file of them."""
    if not shipped_name(name, "pretrain") and (known := views_room.canonical(name)) is not None:
        return known
    found = raw(name) if shipped_name(name, "pretrain") or name.endswith((".yaml", ".yml")) else {}
    if "data" not in found:
        return name
    for plugin in found.get("plugins") or ():  # its views may name an operation of theirs
        registry.load_plugin(plugin)
    chosen: str | Mapping[str, Any] = found.get("views", PretrainConfig.model_fields["views"].default)
    return chosen


def picture_of(made: Views, store: RecordStore, rows: NDArray[np.int64], seed: int) -> bytes:
    """PNG bytes of the views of records ``rows``."""
    from PIL import Image

    if made.dims == 3:
        return _planes_of(made, store, rows[:_VOLUMES], seed)
    draws = drawn(made, store, rows, seed=seed)
    sheet = grid(made, store.read(draws.rows, draws.windows), draws)
    buffer = BytesIO()
    Image.fromarray(sheet).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _planes_of(made: Views, store: RecordStore, rows: NDArray[np.int64], seed: int) -> bytes:
    """What was read of each of a few volumes, where no view shows it, then every view, in three planes; hidden patches are dark, labels beside, in grey."""
    draws = drawn(made, store, rows, seed=seed)
    pixels = store.read(draws.rows, draws.windows)
    batch = made.apply(pixels, draws)
    shown = draws.rows.shape[1] > 1 or any(group.shares and not any(True for _ in group.pixelwise) for group in made.groups)
    lines: list[list[Tensor]] = []
    for i in range(len(rows)):
        line = [] if shown else [_read(pixels, i)]
        for group in made.groups:
            views = [view[i].mean(0) for view in batch.views[group.name]]
            hide, labels = batch.drawn.get(f"hide/{group.name}"), batch.masks.get(group.name)
            line += views
            if hide is not None:
                line += [_masked(view, hide[v, i], group) for v, view in enumerate(views)]
            if labels is not None:
                most = max(1, int(labels.max()))
                low, high = line[0].min(), line[0].max()
                line += [low + (high - low) * mask[i].float() / most for mask in labels]
        lines.append(line)
    return sheet_of_planes(lines)


def _read(pixels: Pixels, i: int) -> Tensor:
    """The window of volume ``i``, the mean of its channels."""
    box = tuple(slice(0, side) for side in pixels.extents[i, 0].tolist())
    window = (pixels.data[i, 0].float().mean(0) * pixels.scale[i, 0] + pixels.offset[i, 0])[box]
    return window.clamp(0, 1) if pixels.clip else window


def _masked(view: Tensor, hide: Tensor, group: Group) -> Tensor:
    """``view`` (*size) without its hidden patches."""
    patch = next(op.patch for op in group.operations.values() if isinstance(op, TokenMask))
    patches = patchify(view[None, None], patch)
    return unpatchify(patches * ~hide[None, :, None], patch, grid_of(group.size, patch))[0, 0]
