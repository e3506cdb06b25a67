"""MAE: most patches of an image are dropped before it is encoded, and a light decoder paints them from the rest.

He et al., "Masked autoencoders are scalable vision learners", CVPR 2022. Nothing here depends on the number of spatial
dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder, Encoding
from vesalius.encoders.sine_positions import sine_positions
from vesalius.errors import UserError
from vesalius.training.method import Method, Output, Progress, Reconstruction
from vesalius.training.precision import fp32
from vesalius.views.batch import Batch
from vesalius.views.patches import grid_of, patchify, unpatchify

_TRANSFORMERS = ("--encoder.name timm:vit_tiny_patch16_224 (with --encoder.patch_size 4 for views of 32 pixels)", "--encoder.name monai:vit")
"""Of images, of volumes."""


class Config(BaseModel):
    """Hyper-parameters of MAE: its decoder. The share of hidden patches is that of the views' ``token_mask``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(512, ge=6, description="Width of the decoder.")
    depth: int = Field(8, ge=1, description="Blocks of the decoder.")
    heads: int = Field(16, ge=1, description="Attention heads of a block of the decoder; they divide its width.")

    @model_validator(mode="after")
    def _divided(self) -> Config:
        if self.width % self.heads:
            raise ValueError(f"heads is {self.heads}, which does not divide the decoder's width of {self.width}")
        return self


@fp32
def reconstruction(
    prediction: Float[Tensor, "batch patches values"],
    patches: Float[Tensor, "batch patches values"],
    hide: Bool[Tensor, "batch patches"],
) -> Float[Tensor, " batch"]:
    """Mean squared error over each sample's hidden patches; every target patch has mean 0 and variance 1 (section 3)."""
    variance, mean = torch.var_mean(patches, dim=-1, keepdim=True)
    error = (prediction - (patches - mean) / (variance + 1e-6).sqrt()).square().mean(-1)
    return (error * hide).sum(1) / hide.sum(1)


class Decoder(nn.Module):
    """Tokens of the patches that were kept -> the values of every patch."""

    positions: Tensor

    def __init__(self, dim: int, values: int, grid: tuple[int, ...], config: Config) -> None:
        super().__init__()
        width = config.width
        self.embed = nn.Linear(dim, width)
        self.mask_token = nn.Parameter(torch.randn(width) * 0.02)
        self.register_buffer("positions", sine_positions(grid, width), persistent=False)
        self.blocks = nn.Sequential(*(
            nn.TransformerEncoderLayer(width, config.heads, 4 * width, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True)
            for _ in range(config.depth)
        ))  # fmt: skip
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.predict = nn.Linear(width, values)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(
        self,
        pooled: Float[Tensor, "batch dim"],
        tokens: Float[Tensor, "batch kept dim"],
        keep: Int[Tensor, "batch kept"],
    ) -> Float[Tensor, "batch patches values"]:
        """``pooled`` goes first, without a position: a class token goes the paper's way, and every way of pooling learns."""
        seen = self.embed(tokens)
        full = self.mask_token.to(seen.dtype).expand(len(seen), len(self.positions), -1)
        full = full.scatter(1, keep[..., None].expand_as(seen), seen) + self.positions
        x = self.blocks(torch.cat([self.embed(pooled)[:, None], full], dim=1))
        painted: Tensor = self.predict(self.norm(x[:, 1:]))
        return painted


class MAE(Method):
    """Encoder of tokens, decoder, reconstruction."""

    needs: ClassVar[Mapping[str, int]] = {"global": 1}
    independent = True
    may_collapse = False

    def __init__(self, encoder: Encoder, config: Config) -> None:
        super().__init__()
        card = encoder.card
        if not card.tokens or not card.patch:
            raise UserError(
                f"mae leaves patches out before they are encoded, and {card.architecture} has no patches that can be left out. "
                f"Use a vision transformer, such as {_TRANSFORMERS[len(card.size) == 3]}, a network of your own whose forward takes keep and hide, "
                "or another method."
            )
        self.encoder, self.patch = encoder, card.patch
        self.decoder = Decoder(card.dim, card.channels * math.prod(card.patch), grid_of(card.size, card.patch), config)

    def forward(self, batch: Batch, at: Progress) -> Output:
        """Views (V, B, C, *size) and which of their patches to keep -> the error at the hidden ones (B,)."""
        views = batch.views["global"]
        keep, hide = self._mask(batch)
        x = views.flatten(0, 1)
        encoding: Encoding = self.encoder(x, keep=keep)
        painted = self.decoder(encoding.pooled, encoding.tokens, keep)
        return Output({"mae": reconstruction(painted, patchify(x, self.patch), hide).view(views.shape[:2]).mean(0)})

    def exports(self) -> Mapping[str, Encoder]:
        """The encoder; afterwards it sees all patches."""
        return {"encoder": self.encoder}

    def reconstruct(self, batch: Batch) -> Reconstruction:
        """The first view with its hidden patches painted, each brought back from mean 0 and variance 1 by its own mean and deviation.

        So the mean is that of each patch. Kept patches are as they were; hidden ones are seen as 0.
        """
        keep, hide = self._mask(batch)
        x = batch.views["global"][0]
        keep, hide = keep[: len(x)], hide[: len(x), :, None]
        encoding: Encoding = self.encoder(x, keep=keep)
        patches = patchify(x, self.patch)
        variance, mean = torch.var_mean(patches, dim=-1, keepdim=True)
        painted = self.decoder(encoding.pooled, encoding.tokens, keep).float() * (variance + 1e-6).sqrt() + mean
        made, seen, flat, changed = (
            unpatchify(values.expand_as(patches), self.patch, grid_of(x.shape[2:], self.patch))
            for values in (torch.where(hide, painted, patches), patches * ~hide, torch.where(hide, mean, patches), hide.to(x.dtype))
        )
        return Reconstruction(x, seen[None], made, changed[:, :1].bool(), flat)

    def _mask(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """``keep`` (V B, K) and ``hide`` (V B, N), which the views drew."""
        patch = list(self.patch)
        if "keep/global" not in batch.drawn:
            raise UserError(
                "mae asks the views which patches to hide, and these do not say. Choose the views mae, mae-96 or mae-32, or add "
                f"`token_mask: {{patch: {patch}, ratio: 0.75}}` to the operations of their group global."
            )
        keep, hide = (batch.drawn[f"{name}/global"].flatten(0, 1) for name in ("keep", "hide"))
        count = len(self.decoder.positions)
        if hide.shape[1] != count:
            raise UserError(
                f"The views hide some of {hide.shape[1]} patches, and the encoder cuts an image into {count} of "
                f"{'×'.join(map(str, patch))} pixels. Give the views the encoder's size, {'×'.join(map(str, self.encoder.card.size))}, "
                f"and their token_mask its patch, `patch: {patch}`; or the encoder the views' (--encoder.patch_size)."
            )
        return keep, hide


def build(encoder: Encoder, config: Config) -> MAE:
    """What the registry calls."""
    return MAE(encoder, config)
