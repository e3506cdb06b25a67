"""The same encoder for images of another size."""

from __future__ import annotations

from vesalius.encoders.build import build_encoder
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.loading import fill
from vesalius.errors import UserError
from vesalius.views import at_size, load


def resized(encoder: Encoder, size: tuple[int, ...]) -> Encoder:
    """A copy of ``encoder`` whose views are ``size`` pixels a side, in evaluation mode: position embeddings are interpolated, what is
    resized before the crop follows in proportion. Raises UserError for a network that does not take the size, and for volumes.
    """
    card = encoder.card
    if size == card.size:
        return encoder
    if len(card.size) != 2:
        raise UserError(f"{card.architecture} is an encoder of volumes, whose patch is part of its plan. Leave the image size out.")
    made = build_encoder(card.architecture, channels=card.channels, size=size, **card.options)
    fill(made.network, encoder.network.state_dict(), card.architecture, 1.0, made_for=card.size)
    group = {"count": 1, "size": list(card.size), "operations": [dict(step) for step in card.preprocessing]}
    steps = at_size(load({"image": group}, card.channels), size).config()["image"]["operations"]
    made.card = card.model_copy(update={"size": size, "preprocessing": steps, "patch": made.card.patch, "weights": ""})
    return made.eval()
