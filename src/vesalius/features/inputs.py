"""What an encoder sees of a few images, and what a person is shown of them: the same pixels in the same places."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from vesalius import views as recipes
from vesalius.data.record_store import RecordStore
from vesalius.encoders.encoder import Card, Encoder
from vesalius.features.one_pass import evaluation_views
from vesalius.views.drawing import drawn
from vesalius.views.pipeline import Views
from vesalius.views.recipe import is_pixelwise


def inputs(encoder: Encoder | Card, store: RecordStore, rows: NDArray[np.int64], device: torch.device | str = "cpu") -> Float[Tensor, "images channels *size"]:
    """Records ``rows`` (n,) as the card's preparation makes them, in [0, 1], before the encoder takes mean and deviation off.

    Of volumes, of which a pass may see several tiles, the first.
    """
    return _made(evaluation_views(encoder), store, rows, device)


def shown(encoder: Encoder | Card, store: RecordStore, rows: NDArray[np.int64]) -> UInt8[np.ndarray, "images height width 3"]:
    """The same places of the same images without what changes values (equalised histograms and the like), as colours for a picture."""
    card = encoder if isinstance(encoder, Card) else encoder.card
    steps = [dict(step) for step in card.preprocessing if not is_pixelwise(step)]
    plain = recipes.load({"image": {"count": 1, "size": list(card.size), "operations": steps}}, card.channels)
    made = _made(plain, store, rows, "cpu")
    colours = made[:, :3] if made.shape[1] >= 3 else made[:, :1].expand(-1, 3, *made.shape[2:])
    return (colours.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()


def _made(views: Views, store: RecordStore, rows: NDArray[np.int64], device: torch.device | str) -> Tensor:
    draws = drawn(views, store, rows)
    made: Tensor = next(iter(views.apply(store.read(draws.rows, draws.windows).to(torch.device(device)), draws).views.values()))[0]
    return made.clone()  # views keep and write to their buffers again
