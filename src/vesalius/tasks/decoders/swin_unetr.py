"""SwinUNETR's decoder: Hatamizadeh et al., "Swin UNETR", BrainLes 2021; MONAI's blocks under MONAI's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from vesalius.encoders.encoder import Card

PREFIX = "swinViT."


class Config(BaseModel):
    """Fields of ``decoder``; the number of channels follows from the encoder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    norm: str = Field("instance", description="Norm of the convolutions, as MONAI names it.")


class SwinUNETRDecoder(nn.Module):
    """Five maps, each at half the resolution of the one before, and the input itself, to logits at full resolution."""

    def __init__(self, channels: int, f: int, outputs: int, config: Config) -> None:
        super().__init__()
        from monai.networks.blocks.dynunet_block import UnetOutBlock
        from monai.networks.blocks.unetr_block import UnetrBasicBlock, UnetrUpBlock

        common: dict[str, Any] = {"spatial_dims": 3, "kernel_size": 3, "norm_name": config.norm, "res_block": True}
        plain: dict[str, Any] = {**common, "stride": 1}
        up: dict[str, Any] = {**common, "upsample_kernel_size": 2}
        self.encoder1 = UnetrBasicBlock(in_channels=channels, out_channels=f, **plain)
        self.encoder2 = UnetrBasicBlock(in_channels=f, out_channels=f, **plain)
        self.encoder3 = UnetrBasicBlock(in_channels=2 * f, out_channels=2 * f, **plain)
        self.encoder4 = UnetrBasicBlock(in_channels=4 * f, out_channels=4 * f, **plain)
        self.encoder10 = UnetrBasicBlock(in_channels=16 * f, out_channels=16 * f, **plain)
        self.decoder5 = UnetrUpBlock(in_channels=16 * f, out_channels=8 * f, **up)
        self.decoder4 = UnetrUpBlock(in_channels=8 * f, out_channels=4 * f, **up)
        self.decoder3 = UnetrUpBlock(in_channels=4 * f, out_channels=2 * f, **up)
        self.decoder2 = UnetrUpBlock(in_channels=2 * f, out_channels=f, **up)
        self.decoder1 = UnetrUpBlock(in_channels=f, out_channels=f, **up)
        self.out = UnetOutBlock(spatial_dims=3, in_channels=f, out_channels=outputs)

    def forward(self, x: Tensor, pyramid: Sequence[Tensor]) -> Tensor:
        """Input (B, C, *size) and the maps after the patches and each of the four stages -> (B, outputs, *size)."""
        found = self.decoder5(self.encoder10(pyramid[4]), pyramid[3])
        found = self.decoder4(found, self.encoder4(pyramid[2]))
        found = self.decoder3(found, self.encoder3(pyramid[1]))
        found = self.decoder2(found, self.encoder2(pyramid[0]))
        logits: Tensor = self.out(self.decoder1(found, self.encoder1(x)))
        return logits


def refusal(card: Card) -> str:
    """Why ``card``'s encoder cannot stand under SwinUNETR's decoder; empty where it can."""
    if card.architecture != "monai:swin_unetr":
        return "it needs monai:swin_unetr"
    # of one voxel there is no instance norm
    return "it needs a patch of more than 32 voxels on one axis at least" if max(card.size) <= 32 else ""


def build(card: Card, shapes: Sequence[Sequence[int]], outputs: int, config: Config) -> SwinUNETRDecoder:
    """The decoder, of random weights."""
    return SwinUNETRDecoder(card.channels, int(shapes[0][0]), outputs, config)
