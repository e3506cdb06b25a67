"""An encoder is a network plus its card: what it is, what it eats, what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from vesalius.data.plan import Plan
from vesalius.encoders.loaded import Loaded
from vesalius.errors import UserError


class Encoding(NamedTuple):
    """``pooled`` (B, D); ``map`` (B, D, *spatial); ``tokens`` (B, N, D), the map flattened where a network has none.

    A few networks have a last layer between map and pooled (MobileNetV3): their D differ, and the card's is pooled's.
    Tokens are patch tokens, in the order of ``keep`` where some were dropped; a class token is not among them.
    """

    pooled: Float[Tensor, "batch dim"]
    map: Float[Tensor, "batch dim *spatial"]
    tokens: Float[Tensor, "batch tokens dim"]


class Card(BaseModel):
    """Everything a stranger needs to use the weights: stands beside them as ``encoder.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    """What the network is built from, with ``options``: ``resnet18``, ``timm:NAME``, ``my_file.py:build``."""
    options: Mapping[str, Any] = {}
    """Stem, width and other keywords the network was built with."""
    channels: int = 3
    """Of its input: 1 or 3, or as many as its images have."""
    size: tuple[int, ...] = (32, 32)
    """Pixels per side of the views it was trained on."""
    dim: int
    """Length of the pooled vector."""
    pooling: str = "average"
    """What becomes the pooled vector: the map's average, a token, or what the network itself does."""
    tokens: bool = False
    """Whether ``keep`` and ``hide`` work."""
    patch: tuple[int, ...] = ()
    """Pixels per side of the patch that a token stands for, on each axis of ``size``; empty without tokens."""
    window: Literal["none", "file", "percentiles"] | tuple[float, float] = "file"
    """How grey DICOM values became black to white in the images it learnt from (``data.settings.Window``)."""
    plan: Plan | None = None
    """How the volumes it learnt from were prepared; None for images."""
    preprocessing: Sequence[Mapping[str, Any]] = ()
    """Views operations that make stored pixels into the encoder's input, floats in [0, 1], in order (see ``views``)."""
    mean: tuple[float, ...] = ()
    """Subtracted from each channel by the encoder itself, before ``std`` divides; empty for none."""
    std: tuple[float, ...] = ()
    """Divides each channel behind ``mean``; empty for none."""
    weights: str = ""
    """SHA-256 over names, shapes and bytes of the tensors."""
    code: str = ""
    """SHA-256 of the user's file where the architecture is one."""
    trained_on: str = "random initialisation"
    """The data and method it learnt from, in words."""
    licence: str = ""
    """Of the weights; empty where nobody says."""
    imagenet_top1: float | None = None
    """Per cent of ImageNet's validation images, by a linear probe, where that is known of published weights."""
    notes: Sequence[str] = ()
    """What else whoever uses the weights should know, a sentence each."""


class Encoder(nn.Module):
    """A network that maps ``(B, C, *size)``, floats in [0, 1], to an ``Encoding``, with its card.

    ``network`` is the plain module whose tensors are saved, under its own names. A family whose network returns maps
    uses this class as it is; others give ``encode``. The card's mean and deviation are applied here and not by views,
    so that no recipe can forget what pretrained weights need.
    """

    card: Card
    loaded: Loaded | None = None
    """What matched when weights were loaded; None for random weights."""

    def __init__(self, network: nn.Module, card: Card | None = None) -> None:
        super().__init__()
        self.network = network
        if card is not None:
            self.card = card

    def forward(self, x: Tensor, *, keep: Tensor | None = None, hide: Tensor | None = None) -> Encoding:
        """``keep`` (B, K): tokens to encode, the others are dropped; ``hide`` (B, N) bool: swapped for a mask token.

        ``x``: what the card's preprocessing makes. Raises UserError for ``keep`` and ``hide`` without ``card.tokens``.
        """
        if (keep is not None or hide is not None) and not self.card.tokens:
            raise UserError(
                f"{self.card.architecture} has no tokens to keep or hide. Use a network whose card says tokens: true, "
                "such as timm:vit_small_patch16_224, or a method that does not mask tokens."
            )
        return self.encode(self.standardised(x), keep, hide)

    def standardised(self, x: Tensor) -> Tensor:
        """``x`` less the card's mean and over its deviation, channel by channel: what ``network`` itself takes."""
        if not self.card.mean:
            return x
        shape = (1, -1, *[1] * (x.ndim - 2))
        mean, std = (
            torch.tensor(v, dtype=x.dtype, device=x.device).view(shape) for v in (self.card.mean, self.card.std)
        )
        return (x - mean) / std

    @property
    def embedding_dim(self) -> int:
        """Length of ``embedding``."""
        return self.card.dim

    def embedding(self, pooled: Tensor) -> Tensor:
        """``(B, D)`` -> ``(B, E)``: what projectors stand on; ``pooled`` itself but for networks that end in a shorter vector."""
        return pooled

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """The feature maps (B, D_i, *spatial_i) that a decoder starts from, from the finest to the coarsest.

        A CNN or Swin transformer gives its stages; a vision transformer four maps of one size (a quarter, half and three
        quarters of its depth, and the end). Raises UserError for a network whose stages are not known.
        """
        return self.levels(self.standardised(x))

    def levels(self, x: Tensor) -> list[Tensor]:
        """What a family does for ``pyramid`` with the standardised input. Raises UserError where its stages are not known."""
        raise UserError(
            f"The stages of {self.card.architecture} are not known, so that no decoder can be put on it. Use a network of this list: "
            "resnet18 to resnet101, resenc-l, monai:vit, monai:swin_unetr, monai:segresnet."
        )

    def encode(self, x: Tensor, keep: Tensor | None, hide: Tensor | None) -> Encoding:
        """What a family does with the standardised input; ``keep`` and ``hide`` come only where the card allows."""
        return from_map(self.network(x))

    def layers(self, x: Tensor, names: Sequence[str]) -> Mapping[str, Tensor]:
        """What the network's modules ``names`` put out for ``x``; differentiable. An unknown name is a UserError."""
        known = {name: module for name, module in self.network.named_modules() if name}
        for name in names:
            if name not in known:
                near = get_close_matches(name, known, n=4) or [child for child, _ in self.network.named_children()]
                raise UserError(
                    f"{self.card.architecture} has no layer {name!r}. Near or first names: {', '.join(near)}. "
                    "All are in dict(encoder.network.named_modules())."
                )
        seen: dict[str, Tensor] = {}

        def record(name: str) -> Any:
            def hook(module: nn.Module, inputs: Any, output: Any) -> None:
                seen[name] = output[0] if isinstance(output, tuple) else output

            return hook

        handles = [known[name].register_forward_hook(record(name)) for name in names]
        try:
            self(x)
        finally:
            for handle in handles:
                handle.remove()
        return {name: seen[name] for name in names if name in seen}


class StagesEncoder(Encoder):
    """``network`` returns one map for each of its stages, from the finest to the coarsest."""

    def encode(self, x: Tensor, keep: Tensor | None, hide: Tensor | None) -> Encoding:
        """See ``Encoder``: the last map."""
        return from_map(self.network(x)[-1])

    def levels(self, x: Tensor) -> list[Tensor]:
        """See ``Encoder``."""
        maps: list[Tensor] = self.network(x)
        return maps


def from_map(features: Float[Tensor, "batch dim *spatial"]) -> Encoding:
    """An Encoding of a feature map: pooled by its mean, tokens by flattening."""
    return Encoding(features.mean(dim=tuple(range(2, features.ndim))), features, features.flatten(2).mT)
