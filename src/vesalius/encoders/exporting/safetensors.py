"""Our own layout: ``encoder.safetensors`` and its card ``encoder.json``. Any architecture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from vesalius.encoders.encoder import Card, Encoder, Encoding
from vesalius.encoders.exported import Exported, Reloaded
from vesalius.encoders.loading import load_encoder
from vesalius.encoders.saving import WEIGHTS, save_encoder


def refusal(card: Card) -> str:
    """Nothing is refused."""
    return ""


def write(encoder: Encoder, out: Path) -> Exported:
    """Weights under the network's own names, and the card that builds it again."""
    card = save_encoder(encoder, out)
    code = ("import vesalius", 'encoder = vesalius.load_encoder(".")', "features = encoder(images).pooled")
    return Exported(WEIGHTS, card.architecture, "vesalius", code, inside=True)


def reload(out: Path, facts: Mapping[str, Any]) -> Reloaded:
    """The encoder, as anyone loads it."""
    encoder = load_encoder(out, min_match=1.0)

    def features(x: Tensor) -> Mapping[str, Tensor]:
        found: Encoding = encoder(x)
        return found._asdict()

    return features
