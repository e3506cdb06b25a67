"""Each image once through an encoder, in evaluation mode, leaving no trace in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vesalius import views as recipes
from vesalius.data.pixels import Pixels
from vesalius.data.record_store import RecordStore
from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.probing import untouched
from vesalius.encoders.saving import weights_hash
from vesalius.errors import UserError
from vesalius.views.batch import Draws
from vesalius.views.drawing import drawn
from vesalius.views.pipeline import Views

Project = Callable[[Tensor], Tensor | None]
"""What projectors stand on, (B, E), through one."""
POOLED = ("pooled", "features", "embedding", "projected")
"""Layers that are made of the pooled vector; any other is a module of the network."""


def evaluation_views(encoder: Encoder | Card) -> Views:
    """The deterministic pipeline of the encoder's card: one view ``image``, or of volumes several, tiles over what is in them."""
    card = encoder if isinstance(encoder, Card) else encoder.card
    if len(card.size) == 3:
        return recipes.tiles(card.size, card.channels)
    group = {"count": 1, "size": list(card.size), "operations": [dict(step) for step in card.preprocessing]}
    return recipes.load({"image": group}, card.channels)


def identity(encoder: Encoder) -> tuple[Any, ...]:
    """Everything of ``encoder`` that its features depend on, for keys of what is kept."""
    card = encoder.card
    own = (card.architecture, dict(card.options), card.code, card.mean, card.std)
    return weights_hash(encoder), own, evaluation_views(encoder).config()


def forward(
    encoder: Encoder,
    store: RecordStore,
    rows: NDArray[np.int64],
    views: Views | None = None,
    *,
    device: torch.device | str = "cpu",
    autocast: torch.dtype | None = None,
    layer: str = "pooled",
    project: Project | None = None,
    batch_size: int = 256,
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
) -> Tensor:
    """``(n, D)`` float32 on ``device``: the features of records ``rows`` (n,). See ``blocks``."""
    found = []
    for part in blocks(
        encoder,
        store,
        rows,
        views,
        device=device,
        autocast=autocast,
        layer=layer,
        project=project,
        batch_size=batch_size,
        seed=seed,
    ):
        found.append(part)
        if progress is not None:
            progress(sum(map(len, found)), len(rows))
    return torch.cat(found) if found else torch.empty(0, encoder.card.dim, device=device)


def blocks(
    encoder: Encoder,
    store: RecordStore,
    rows: NDArray[np.int64],
    views: Views | None = None,
    *,
    device: torch.device | str = "cpu",
    autocast: torch.dtype | None = None,
    layer: str = "pooled",
    project: Project | None = None,
    batch_size: int = 256,
    seed: int = 0,
    beside: Callable[[Tensor], None] | None = None,
) -> Iterator[Tensor]:
    """Batches ``(b, D)`` of features of records ``rows``, float32 on ``device``, in their order.

    ``views``: a pipeline whose first group has one view, or several whose vectors are averaged; the card's own where absent. ``layer``: ``pooled``
    or ``features``, ``embedding`` (what projectors stand on, of unit length),
    ``projected`` (that through ``project``), ``map`` (the encoder's map (b, D, *spatial), of one view), or the name of a module of the network,
    whose map or tokens are averaged. ``beside``: gets the pooled vectors (b, D) of each batch of maps, before it is given out. ``seed``: of what
    ``views`` draws, where they draw anything. The
    encoder is moved to ``device`` and is otherwise left as it was: mode, buffers, generators.
    """
    views = views or evaluation_views(encoder)
    group = next(iter(views.makes))
    device = torch.device(device)
    encoder.to(device)
    batch_size = at_once(views, batch_size)

    def read(start: int) -> tuple[Pixels, Draws]:
        some = rows[start : start + batch_size]
        draws = drawn(views, store, some, seed=seed)
        return store.read(draws.rows, draws.windows), draws

    starts = range(0, len(rows), batch_size)
    with ThreadPoolExecutor(1, "vesalius-read") as reader:
        ahead = reader.submit(read, 0) if starts else None
        for start in starts:
            assert ahead is not None
            pixels, draws = ahead.result()
            ahead = reader.submit(read, start + batch_size) if start + batch_size < len(rows) else None
            # the mode is restored before each batch is given out: whoever takes it may train in between
            with untouched(encoder), torch.autocast(device.type, dtype=autocast, enabled=autocast is not None):
                made = views.apply(pixels.to(device), draws).views[group]
                x = made.flatten(0, 1)
                if x.ndim == 4:
                    x = x.contiguous(memory_format=torch.channels_last)
                if layer == "map":
                    encoding = encoder(x)
                    vectors = encoding.map.float()
                    if beside is not None:
                        beside(encoding.pooled.float())
                else:
                    vectors = _vectors(encoder, x, layer, project).float()
                if len(made) > 1:
                    vectors = vectors.view(*made.shape[:2], -1).mean(0)
            yield vectors


def precision_of(autocast: torch.dtype | None) -> str:
    """The precision of a pass in one word: ``fp32``, or the type that it is cast to."""
    return "fp32" if autocast is None else str(autocast).removeprefix("torch.")


def at_once(views: Views, batch_size: int) -> int:
    """Records of a batch: ``batch_size``, but no more than fill 64 MB with views: 111 colour images of 224 pixels a side."""
    numbers = views.channels * sum(count * math.prod(size) for count, size in views.makes.values())
    return max(1, min(batch_size, (1 << 24) // numbers))


def _vectors(encoder: Encoder, x: Tensor, layer: str, project: Project | None) -> Tensor:
    if layer not in POOLED:
        return _averaged(encoder.layers(x, [layer])[layer], layer)
    pooled = encoder(x).pooled
    if layer in ("pooled", "features"):
        return pooled  # type: ignore[no-any-return]
    shorter = encoder.embedding(pooled)
    if layer == "embedding":
        return F.normalize(shorter, dim=1)
    projected = None if project is None else project(shorter)
    if projected is None:
        raise UserError(
            "There is no projector to make projected vectors with: a pretraining whose method has one writes it as "
            "projector.safetensors beside its encoder. Use --layer pooled or the name of a layer."
        )
    return projected


def _averaged(out: Tensor, layer: str) -> Tensor:
    """(B, D) as it is; a map (B, D, *spatial) and tokens (B, N, D) by their mean."""
    if out.ndim < 2:
        raise UserError(f"The layer {layer!r} puts out one number per image. Name a layer that makes vectors or maps.")
    if out.ndim == 3:
        return out.mean(1)
    return out.flatten(2).mean(2) if out.ndim > 3 else out
