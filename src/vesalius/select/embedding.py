"""The vectors of a pool: each image once through the encoder, by the feature cache, so that a second job finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from vesalius.data.dataset import DataSet, open_data, pick_channels
from vesalius.data.settings import StoreSettings
from vesalius.data.table import SampleTable
from vesalius.embed import settings_for
from vesalius.encoders.encoder import Encoder
from vesalius.errors import TooManyBadFiles
from vesalius.features import compute
from vesalius.terminal import Terminal

_THUMB = 128
"""Shorter side in pixels of images that are decoded to be looked at alone."""


@dataclass(frozen=True)
class How:
    """By which means images are embedded. ``layer``: pooled, or a module's name; ``normalise``: each vector divided by its length."""

    layer: str
    normalise: bool
    device: torch.device
    autocast: torch.dtype | None
    batch_size: int
    max_bad_share: float


def opened(encoder: Encoder, table: SampleTable, how: How, terminal: Terminal) -> DataSet:
    """``table`` decoded for ``encoder``. Raises TooManyBadFiles."""
    return open_data(table.source, table, settings_for(encoder, table), terminal, max_bad_share=how.max_bad_share)


def to_look_at(table: SampleTable, terminal: Terminal) -> DataSet | None:
    """``table`` decoded for thumbnails, without those that cannot be read; None where none can."""
    channels: Literal[1, 3] = 1 if pick_channels(table) == 1 else 3
    try:
        return open_data(table.source, table, StoreSettings(size=_THUMB, channels=channels), terminal, max_bad_share=1.0)
    except TooManyBadFiles:
        return None


def vectors_of(encoder: Encoder, data: DataSet, rows: NDArray[np.int64], how: How, terminal: Terminal, doing: str) -> NDArray[np.float32]:
    """``(n, D)`` of records ``rows`` of the store."""
    with terminal.bar(doing, "images") as progress:
        report: Callable[[int, int], None] = progress
        found = compute(
            encoder, data.store, rows, layer=how.layer, batch_size=how.batch_size, device=how.device, autocast=how.autocast, progress=report
        )  # fmt: skip
    vectors = F.normalize(found.vectors, dim=1) if how.normalise else found.vectors
    kept: NDArray[np.float32] = vectors.numpy()
    return kept
