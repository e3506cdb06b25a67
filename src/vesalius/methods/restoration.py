"""Restoration: a patch is rebuilt from a copy with holes and shuffled blocks; two rebuilt copies of one patch agree.

The recipe of the MONAI tutorial for vision transformers on CT (Tang et al., "Self-supervised pre-training of Swin
transformers for 3D medical image analysis", CVPR 2022, names its parts): L1 on the untouched patch, times 1 + NT-Xent of the
two reconstructions. Nothing here depends on the number of spatial dimensions, and any encoder with a map will do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder, Encoding
from vesalius.errors import UserError
from vesalius.methods.simclr import nt_xent
from vesalius.training.gather import gather
from vesalius.training.method import Method, Output, Progress, Reconstruction
from vesalius.training.precision import fp32
from vesalius.views.batch import Batch


class Config(BaseModel):
    """Hyper-parameters of restoration. What is damaged, and how much of it, is said by the views' operations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(0.05, gt=0, description="Temperature of the contrastive term.")
    contrastive: float = Field(
        1.0, ge=0, description="Weight of the contrastive term inside L1 x (1 + weight x NT-Xent); 0 leaves it out."
    )
    reconstruct: Literal["first", "both"] = Field(
        "first", description="Whether L1 is of the first view alone or the mean of both."
    )
    decoder: int = Field(16, ge=1, description="Channels between the decoder's two transposed convolutions.")


@fp32
def restored(
    found: Float[Tensor, "batch channel *size"], clean: Float[Tensor, "batch channel *size"]
) -> Float[Tensor, " batch"]:
    """Mean absolute error of each sample."""
    return (found - clean).abs().flatten(1).mean(1)


@fp32
def weighted(
    l1: Float[Tensor, " batch"], contrast: Float[Tensor, " batch"], weight: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean L1, that times weight times mean NT-Xent (their sum is the loss), and mean NT-Xent, () each, all of the global batch.

    A product of two means is no mean over samples: every rank's terms are gathered, with gradient through both factors.
    """
    mean, against = gather(l1).mean(), gather(contrast).mean()
    return mean, weight * against * mean, against


class Decoder(nn.Module):
    """A map back to the image's size: two transposed convolutions, nothing between them. Names are MONAI's."""

    def __init__(self, dim: int, width: int, channels: int, scale: Sequence[int]) -> None:
        super().__init__()
        kinds = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
        first = tuple(_halfway(side) for side in scale)
        second = tuple(side // part for side, part in zip(scale, first, strict=True))
        self.conv3d_transpose = kinds[len(scale)](dim, width, first, first)  # type: ignore[arg-type]
        self.conv3d_transpose_1 = kinds[len(scale)](width, channels, second, second)  # type: ignore[arg-type]

    def forward(self, features: Float[Tensor, "batch dim *grid"]) -> Float[Tensor, "batch channel *size"]:
        """``features`` times ``scale`` along each axis."""
        painted: Tensor = self.conv3d_transpose_1(self.conv3d_transpose(features))
        return painted


def _halfway(side: int) -> int:
    """The divisor of ``side`` nearest to its root from below: 4 of 16."""
    return next(part for part in range(math.isqrt(side), 0, -1) if side % part == 0)


class Restoration(Method):
    """Encoder, decoder, L1 weighted by the contrastive term."""

    may_collapse = False
    needs: ClassVar[Mapping[str, int]] = {"clean": 1, "corrupted": 1}

    def __init__(self, encoder: Encoder, config: Config) -> None:
        super().__init__()
        self.encoder, self.config = encoder, config
        self.independent = config.contrastive == 0
        self.decoder = Decoder(encoder.card.dim, config.decoder, encoder.card.channels, _scale(encoder))

    def forward(self, batch: Batch, at: Progress) -> Output:
        """Views ``corrupted`` (2, B, C, *size) and ``clean`` (1, B, C, *size) -> L1 and, of both, the weighted contrastive term.

        Raises UserError for a single damaged view.
        """
        clean, seen = batch.views["clean"][0], batch.views["corrupted"]
        if not self.config.contrastive and self.config.reconstruct == "first":
            return Output({"l1": restored(self._restore(seen[0]), clean)})
        if len(seen) < 2:
            raise UserError(
                "restoration compares two damaged views of each patch, and these views make one. Set `count: 2` in their group "
                "corrupted, or --method.contrastive 0 --method.reconstruct first."
            )
        first, second = self._restore(seen[:2].flatten(0, 1)).chunk(2)
        l1 = restored(first, clean)
        if self.config.reconstruct == "both":
            l1 = (l1 + restored(second, clean)) / 2
        if not self.config.contrastive:
            return Output({"l1": l1})
        mean, times, against = weighted(
            l1, nt_xent(first.flatten(1), second.flatten(1), self.config.temperature), self.config.contrastive
        )
        return Output({"l1": mean, "l1_contrastive": times}, scalars={"contrastive": against.detach()})

    def exports(self) -> Mapping[str, Encoder]:
        """The encoder."""
        return {"encoder": self.encoder}

    def reconstruct(self, batch: Batch) -> Reconstruction:
        """The clean patch from the first damaged view; the mean is that of each clean patch."""
        clean, seen = batch.views["clean"][0], batch.views["corrupted"]
        mean = clean.mean(dim=tuple(range(2, clean.ndim)), keepdim=True)
        return Reconstruction(clean, seen, self._restore(seen[0]).float(), (seen[0] != clean).any(1, keepdim=True), mean)

    def _restore(self, x: Tensor) -> Tensor:
        encoding: Encoding = self.encoder(x)
        painted: Tensor = self.decoder(encoding.map)
        return painted


def _scale(encoder: Encoder) -> tuple[int, ...]:
    """Pixels or voxels that a place of the encoder's map stands for, along each axis."""
    from vesalius.encoders.probing import dummy_forward

    card = encoder.card
    encoding: Encoding = dummy_forward(encoder, card.channels, card.size)
    grid = tuple(encoding.map.shape[2:])
    if (
        len(grid) != len(card.size)
        or encoding.map.shape[1] != card.dim
        or any(s % g for s, g in zip(card.size, grid, strict=True))
    ):
        raise UserError(
            f"restoration builds an image up again from the encoder's map, and {card.architecture} makes one of "
            f"{'×'.join(map(str, grid))} places of {encoding.map.shape[1]} numbers from {'×'.join(map(str, card.size))}, which is not a "
            "whole number of times smaller. Choose another size of view, or another network."
        )
    return tuple(side // places for side, places in zip(card.size, grid, strict=True))


def build(encoder: Encoder, config: Config) -> Restoration:
    """What the registry calls."""
    return Restoration(encoder, config)
