"""nnU-Net's plain decoder on a residual encoder: Isensee et al., "nnU-Net", Nature Methods 2021.

Transposed convolution, the finer map beside it, one convolution with instance norm and leaky ReLU, level by level. Tensors have the
names of ``dynamic-network-architectures``; there is one head, at full size (no deep supervision).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor, nn

from vesalius.encoders.encoder import Card

PREFIX = "encoder."


class Config(BaseModel):
    """Fields of ``decoder``; channels and strides follow from the encoder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    convolutions: PositiveInt = Field(1, description="Convolutions at each resolution.")


class _Unit(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, padding=1)
        self.norm = nn.InstanceNorm3d(outputs, affine=True)
        self.nonlin = nn.LeakyReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.nonlin(self.norm(self.conv(x)))
        return out


class _Level(nn.Module):
    def __init__(self, width: int, convolutions: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(*(_Unit(2 * width if n == 0 else width, width) for n in range(convolutions)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.convs(x)
        return out


def _doubled(of: Sequence[int], to: Sequence[int]) -> nn.ConvTranspose3d:
    """From a map of shape ``of`` (channels, x, y, z) to one of shape ``to``."""
    x, y, z = (fine // coarse for fine, coarse in zip(to[1:], of[1:], strict=True))
    return nn.ConvTranspose3d(int(of[0]), int(to[0]), (x, y, z), (x, y, z))


class _Decoder(nn.Module):
    def __init__(self, shapes: Sequence[Sequence[int]], outputs: int, config: Config) -> None:
        super().__init__()
        fine, coarse = list(shapes[-2::-1]), list(shapes[:0:-1])
        self.stages = nn.ModuleList(_Level(int(to[0]), config.convolutions) for to in fine)
        self.transpconvs = nn.ModuleList(_doubled(of, to) for of, to in zip(coarse, fine, strict=True))
        # named as the last of nnU-Net's heads, of which there is one for each level where it supervises them all
        self.seg_layers = nn.ModuleDict({str(len(fine) - 1): nn.Conv3d(int(fine[-1][0]), outputs, 1)})

    def forward(self, pyramid: Sequence[Tensor]) -> Tensor:
        found = pyramid[-1]
        for up, level, finer in zip(self.transpconvs, self.stages, reversed(pyramid[:-1]), strict=True):
            found = level(torch.cat([up(found), finer], 1))
        logits: Tensor = next(iter(self.seg_layers.values()))(found)
        return logits


class UNetDecoder(nn.Module):
    """Maps whose first has the input's size, each next one coarser, to logits of that size."""

    def __init__(self, shapes: Sequence[Sequence[int]], outputs: int, config: Config) -> None:
        super().__init__()
        self.decoder = _Decoder(shapes, outputs, config)

    def forward(self, x: Tensor, pyramid: Sequence[Tensor]) -> Tensor:
        """The maps of each stage, from fine to coarse -> (B, outputs, *size)."""
        logits: Tensor = self.decoder(pyramid)
        return logits


def refusal(card: Card) -> str:
    """Why ``card``'s encoder cannot stand under this decoder; empty where it can."""
    return "" if card.architecture.startswith("resenc-") else "it needs resenc-l"


def build(card: Card, shapes: Sequence[Sequence[int]], outputs: int, config: Config) -> UNetDecoder:
    """The decoder, of random weights."""
    return UNetDecoder(shapes, outputs, config)
