"""Networks and their cards: build, save, load, cost."""

from __future__ import annotations

from vesalius.encoders.build import build_encoder, known_names
from vesalius.encoders.encoder import Card, Encoder, Encoding
from vesalius.encoders.loading import load_encoder
from vesalius.encoders.saving import save_encoder, weights_hash

__all__ = [
    "Card",
    "Encoder",
    "Encoding",
    "build_encoder",
    "known_names",
    "load_encoder",
    "save_encoder",
    "weights_hash",
]
