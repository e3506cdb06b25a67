"""UNETR's decoder on a plain vision transformer: Hatamizadeh et al., "UNETR", WACV 2022.

The blocks, their names and their order are those of ``monai.networks.nets.UNETR``, so that decoder and encoder together are
its state dict; the transformer is the encoder that was given, and no second one is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor, nn

from vesalius.encoders.encoder import Card

PREFIX = "vit."


class Config(BaseModel):
    """Fields of ``decoder``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feature_size: PositiveInt = Field(16, description="Channels at the finest resolution; twice as many at each coarser one.")
    norm: str = Field("instance", description="Norm of the convolutions, as MONAI names it.")


class UNETRDecoder(nn.Module):
    """Four maps of one transformer, all at a sixteenth of the input, and the input itself, to logits at full resolution."""

    def __init__(self, channels: int, hidden: int, outputs: int, config: Config) -> None:
        super().__init__()
        from monai.networks.blocks.dynunet_block import UnetOutBlock
        from monai.networks.blocks.unetr_block import UnetrBasicBlock, UnetrPrUpBlock, UnetrUpBlock

        f = config.feature_size
        common: dict[str, Any] = {"spatial_dims": 3, "kernel_size": 3, "norm_name": config.norm, "res_block": True}
        up: dict[str, Any] = {**common, "upsample_kernel_size": 2}
        self.encoder1 = UnetrBasicBlock(in_channels=channels, out_channels=f, stride=1, **common)
        deep: dict[str, Any] = {**up, "in_channels": hidden, "stride": 1, "conv_block": True}
        self.encoder2 = UnetrPrUpBlock(out_channels=2 * f, num_layer=2, **deep)
        self.encoder3 = UnetrPrUpBlock(out_channels=4 * f, num_layer=1, **deep)
        self.encoder4 = UnetrPrUpBlock(out_channels=8 * f, num_layer=0, **deep)
        self.decoder5 = UnetrUpBlock(in_channels=hidden, out_channels=8 * f, **up)
        self.decoder4 = UnetrUpBlock(in_channels=8 * f, out_channels=4 * f, **up)
        self.decoder3 = UnetrUpBlock(in_channels=4 * f, out_channels=2 * f, **up)
        self.decoder2 = UnetrUpBlock(in_channels=2 * f, out_channels=f, **up)
        self.out = UnetOutBlock(spatial_dims=3, in_channels=f, out_channels=outputs)

    def forward(self, x: Tensor, pyramid: Sequence[Tensor]) -> Tensor:
        """Input (B, C, *size) and the maps after a quarter, half, three quarters and all of the layers -> (B, outputs, *size)."""
        early, middle, late, last = pyramid
        found = self.decoder5(last, self.encoder4(late))
        found = self.decoder4(found, self.encoder3(middle))
        found = self.decoder3(found, self.encoder2(early))
        logits: Tensor = self.out(self.decoder2(found, self.encoder1(x)))
        return logits


def refusal(card: Card) -> str:
    """Why ``card``'s encoder cannot stand under UNETR; empty where it can."""
    if not card.patch:
        return "it needs a vision transformer, such as monai:vit"
    return "" if set(card.patch) == {16} else f"it needs patches of 16 voxels and these are of {'×'.join(map(str, card.patch))}"


def build(card: Card, shapes: Sequence[Sequence[int]], outputs: int, config: Config) -> UNETRDecoder:
    """The decoder, of random weights."""
    return UNETRDecoder(card.channels, int(shapes[-1][0]), outputs, config)
