"""A picture of what a recipe's views do to images."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius import registry
from vesalius import views as views_room
from vesalius.data.dataset import open_data, pick_channels, resolve
from vesalius.data.record_store import RecordStore
from vesalius.data.settings import StoreSettings
from vesalius.errors import UserError
from vesalius.features.records import MARGIN
from vesalius.files import atomic_write
from vesalius.recipes.config import PretrainConfig
from vesalius.recipes.layers import raw
from vesalius.recipes.shipped import shipped_name
from vesalius.terminal import Terminal
from vesalius.views.picture import grid
from vesalius.views.pipeline import Views


def picture(name: str, data: str, out: Path, count: int, terminal: Terminal) -> Path:
    """Write a grid of ``count`` images of ``data`` under the views of recipe ``name``: the original, then each view."""
    if count < 1:
        raise UserError(f"--count is {count}; show at least one image.")
    recipe = views_of(name)
    table = resolve(data, terminal=terminal, allow_leakage=True)
    table = table.subset(np.arange(min(count, len(table))))
    channels = pick_channels(table)
    made = views_room.load(recipe, 1 if channels == 1 else 3)
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

    draws = made.draw(seed, 0, rows, store.ids[rows], store.extents[rows])
    sheet = grid(made, store.read(draws.rows, draws.windows), draws)
    buffer = BytesIO()
    Image.fromarray(sheet).save(buffer, "png", optimize=True)
    return buffer.getvalue()
