"""An encoder is a network plus its card: what it is, what it eats, what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jaxtyping import Float
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn


class Encoding(NamedTuple):
    """``pooled`` (B, D); ``map`` (B, D, *spatial); ``tokens`` (B, N, D), the map flattened where a network has none."""

    pooled: Float[Tensor, "batch dim"]
    map: Float[Tensor, "batch dim *spatial"]
    tokens: Float[Tensor, "batch tokens dim"]


class Card(BaseModel):
    """Everything a stranger needs to use the weights: stands beside them as ``encoder.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    """Name the network is built from, with ``options``: ``resnet18``, ``timm:vit_small_patch16_224``, ``my_file.py:build``."""
    options: Mapping[str, Any] = {}
    """Stem, width and other keywords the network was built with."""
    channels: int = 3
    size: tuple[int, ...] = (32, 32)
    """Pixels per side of the views it was trained on."""
    dim: int
    """Length of the pooled vector."""
    pooling: str = "average"
    tokens: bool = False
    """Whether ``keep`` and ``hide`` work."""
    preprocessing: Sequence[Mapping[str, Any]] = ()
    """Views operations that make stored pixels into the network's input, in order (see ``views``)."""
    weights: str = ""
    """SHA-256 over names, shapes and bytes of the tensors."""
    trained_on: str = "random initialisation"
    licence: str = ""
    notes: Sequence[str] = ()


class Encoder(nn.Module):
    """A network that maps ``(B, C, *size)`` to an ``Encoding``, with its card."""

    card: Card

    def forward(self, x: Tensor, *, keep: Tensor | None = None, hide: Tensor | None = None) -> Encoding:
        """``keep`` (B, K): tokens to encode, the others are dropped; ``hide`` (B, N): tokens swapped for a mask token."""
        raise RuntimeError("An Encoder is made by vesalius.encoders.build_encoder or load_encoder.")
