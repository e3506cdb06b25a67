"""Several views of each image through an encoder, in evaluation mode, leaving no trace in it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from vesalius import views as recipes
from vesalius.data.record_store import RecordStore
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.probing import untouched
from vesalius.features.one_pass import at_once
from vesalius.views.drawing import drawn
from vesalius.views.pipeline import Views


def first_group(views: Views) -> Views:
    """``views`` with their first group alone: what is not looked at need not be made."""
    config = views.config()
    kept = {"shared", "per_channel", "dims", next(iter(views.makes))}
    return recipes.load({name: part for name, part in config.items() if name in kept}, views.channels)


def forward_views(
    encoder: Encoder,
    store: RecordStore,
    rows: NDArray[np.int64],
    views: Views,
    count: int,
    *,
    seed: int,
    epoch: int = 0,
    device: torch.device | str = "cpu",
    autocast: torch.dtype | None = None,
    batch_size: int = 256,
    progress: Callable[[int, int], None] | None = None,
) -> Float[Tensor, "images views dim"]:
    """Pooled features, float32 on ``device``, of ``count`` views of each of the records ``rows`` (n,).

    ``views``: a pipeline whose first group is drawn as often as it takes; a record's views follow from ``seed``,
    ``epoch`` and its id alone, so the same are seen again at each call with these. The encoder is left as it was: mode, buffers, generators.
    ``progress`` is told images done and of how many.
    """
    alone = first_group(views)
    group, (each, _) = next(iter(alone.makes.items()))
    device = torch.device(device)
    encoder.to(device)
    out = torch.empty(len(rows), count, encoder.card.dim, device=device)
    images = max(1, at_once(alone, batch_size) // each) if alone.dims == 2 else at_once(alone, batch_size)
    with untouched(encoder), torch.autocast(device.type, dtype=autocast, enabled=autocast is not None):
        for start in range(0, len(rows), images):
            some = rows[start : start + images]
            for draw, first in enumerate(range(0, count, each)):
                draws = drawn(alone, store, some, seed=seed, epoch=epoch, draw=draw)
                made = alone.apply(store.read(draws.rows, draws.windows).to(device), draws).views[group][
                    : count - first
                ]
                x = made.flatten(0, 1)
                if x.ndim == 4:
                    x = x.contiguous(memory_format=torch.channels_last)
                pooled = encoder(x).pooled.float()
                out[start : start + images, first : first + each] = pooled.unflatten(0, made.shape[:2]).transpose(0, 1)
            if progress is not None:
                progress(start + len(some), len(rows))
    return out
