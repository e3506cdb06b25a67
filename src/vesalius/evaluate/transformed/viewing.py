"""What an encoder makes of transformed images: records read once, resized to its size, transformed, and only then prepared as its card says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from vesalius import views as recipes
from vesalius.data.record_store import RecordStore
from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.probing import untouched
from vesalius.evaluate.transformed.applying import applied, of_volumes
from vesalius.evaluate.transformed.grids import Parameter
from vesalius.evaluate.transformed.transforms import Transform
from vesalius.features.one_pass import at_once, evaluation_views
from vesalius.views.drawing import drawn
from vesalius.views.operation import Chance, Parameters
from vesalius.views.pipeline import Views
from vesalius.views.recipe import is_pixelwise

if TYPE_CHECKING:
    from vesalius.evaluate.pairs.pair import Pair


def features_of(
    pair: Pair,
    encoder: Encoder,
    rows: NDArray[np.int64],
    transform: Transform | None,
    parameters: Sequence[Parameter] = (0.0,),
    progress: Callable[[int, int], None] | None = None,
) -> Float[Tensor, "images parameters dim"]:
    """Float32 pooled features, on the device, of records ``rows`` (n,) of the pair's data, with each of ``parameters`` of ``transform``.

    In evaluation mode, the encoder left as it was; at most the pair's batch size of views at once. ``transform`` None: the images as they
    are, (n, 1, dim), through the same steps. ``progress`` is told images done and of how many. Raises UserError for volumes.
    """
    asked = pair.asked
    encoder.to(asked.device)
    views = evaluation_views(encoder)
    per = at_once(views, asked.batch_size)
    found = torch.empty(len(rows), len(parameters), encoder.card.dim, device=asked.device)
    with untouched(encoder):
        for images, columns, x in _parts(encoder.card, pair.data.store, rows, transform, parameters, asked.device, per):
            flat = x.flatten(0, 1).contiguous(memory_format=torch.channels_last)
            with torch.autocast(asked.device.type, dtype=asked.autocast, enabled=asked.autocast is not None):
                pooled = encoder(flat).pooled
            found[images, columns] = pooled.float().view(*x.shape[:2], -1)
            if progress is not None and columns.stop == len(parameters):
                progress(images.stop, len(rows))
    return found


def pictures(
    pair: Pair, rows: NDArray[np.int64], transform: Transform | None, parameters: Sequence[Parameter] = (0.0,), *, prepared: bool = True
) -> Float[Tensor, "images parameters channels height width"]:
    """The same views of records ``rows`` as the pair's encoder takes them, on the device, all at once: for a few.

    ``prepared`` False: before the card's steps that change values (equalised histograms and the like), for a person to look at.
    """
    card = pair.encoder.card
    made = torch.empty(len(rows), len(parameters), card.channels, *card.size, device=pair.asked.device)
    for images, columns, x in _parts(card, pair.data.store, rows, transform, parameters, pair.asked.device, pair.asked.batch_size, prepared=prepared):
        made[images, columns] = x
    return made


def _parts(
    card: Card,
    store: RecordStore,
    rows: NDArray[np.int64],
    transform: Transform | None,
    parameters: Sequence[Parameter],
    device: torch.device,
    per: int,
    *,
    prepared: bool = True,
) -> Iterator[tuple[slice, slice, Tensor]]:
    """Images, parameters and their views (images, parameters, C, *size), at most ``per`` of them at once; each record is read once."""
    plain, views = _resizing(card), evaluation_views(card)
    across = min(len(parameters), per)
    down = max(1, per // across)
    for start in range(0, len(rows), down):
        some = rows[start : start + down]
        draws = drawn(plain, store, some)
        with torch.no_grad():
            x = plain.apply(store.read(draws.rows, draws.windows).to(device), draws).views["image"][0].clone()  # views write to their buffers again
        for first in range(0, len(parameters), across):
            chosen = parameters[first : first + across]
            made = x.unsqueeze(1) if transform is None else applied(x, transform, chosen)
            yield slice(start, start + len(some)), slice(first, first + len(chosen)), _prepared(views, made, store.ids[some]) if prepared else made


def _resizing(card: Card) -> Views:
    """The card's own resizing and cropping alone."""
    if len(card.size) == 3:
        raise of_volumes()
    steps = [dict(step) for step in card.preprocessing if not is_pixelwise(step)]
    return recipes.load({"image": {"count": 1, "size": list(card.size), "operations": steps}}, card.channels)


def _prepared(views: Views, x: Tensor, ids: NDArray[np.uint64]) -> Tensor:
    """``x`` (n, k, C, *size) with what the card does to values, as a pass over untransformed images does it."""
    flat = x.flatten(0, 1)
    group = views.groups[0]
    for key, operation in group.pixelwise:
        chance = Chance(0, 0, np.repeat(ids, x.shape[1]), key)
        values = operation.prepare(operation.draw(chance, x.shape[2], group.size), x.shape[2])
        with torch.no_grad():
            flat = operation.change(flat, Parameters.of(values, x.device, len(group.size)))
    return flat.view(x.shape)
