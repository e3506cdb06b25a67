"""SegResNet's decoder: Myronenko, "3D MRI brain tumor segmentation using autoencoder regularization", BrainLes 2018.

The upward half of ``monai.networks.nets.SegResNetDS`` under its names, with one head.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor, nn

from vesalius.encoders.encoder import Card

PREFIX = "encoder."


class Config(BaseModel):
    """Fields of ``decoder``; the numbers of channels and levels follow from the encoder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    blocks: PositiveInt = Field(1, description="Residual blocks at each resolution.")
    norm: str = Field("instance", description="Norm of the convolutions, as MONAI names it.")


class SegResNetDecoder(nn.Module):
    """The coarsest map, doubled in size level by level, each finer one added to it."""

    def __init__(self, first: int, levels: int, outputs: int, config: Config) -> None:
        super().__init__()
        from monai.networks.nets.segresnet_ds import SegResNetDS

        network = SegResNetDS(
            init_filters=first, out_channels=outputs, norm=config.norm, blocks_down=(1,) * levels, blocks_up=(config.blocks,) * (levels - 1)
        )
        self.up_layers = network.up_layers  # its encoder, of one block a level, is not kept

    def forward(self, x: Tensor, pyramid: Sequence[Tensor]) -> Tensor:
        """The maps of each level, (B, first * 2 ** level, *size / 2 ** level) -> (B, outputs, *size)."""
        found = pyramid[-1]
        for level, finer in zip(self.up_layers, reversed(pyramid[:-1]), strict=True):
            found = level["blocks"](level["upsample"](found) + finer)  # type: ignore[index]
        logits: Tensor = self.up_layers[-1]["head"](found)  # type: ignore[index]
        return logits


def refusal(card: Card) -> str:
    """Why ``card``'s encoder cannot stand under SegResNet's decoder; empty where it can."""
    return "" if card.architecture == "monai:segresnet" else "it needs monai:segresnet"


def build(card: Card, shapes: Sequence[Sequence[int]], outputs: int, config: Config) -> SegResNetDecoder:
    """The decoder, of random weights."""
    return SegResNetDecoder(int(shapes[0][0]), len(shapes), outputs, config)
