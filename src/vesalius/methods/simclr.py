"""SimCLR: two views of one image are pulled together, against every other view of the batch.

Chen et al., "A simple framework for contrastive learning of visual representations", ICML 2020.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.projector import MLP
from vesalius.training.contrast import contrast, contrast_all
from vesalius.training.gather import first_row, gather, world_size
from vesalius.training.method import Method, Output, Progress
from vesalius.training.precision import fp32
from vesalius.views.batch import Batch


class Config(BaseModel):
    """Hyper-parameters of SimCLR."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(0.2, gt=0, description="Temperature of NT-Xent.")
    hidden: int = Field(2048, ge=1, description="Width of the projector's hidden layer.")
    dim: int = Field(128, ge=1, description="Length of the projected vector.")
    hidden_bias: bool = Field(True, description="A bias in the projector's hidden layer, which its batch-norm then takes out again; Lightly's head has none.")
    last_norm: bool = Field(False, description="Batch-norm after the projector's last layer, as in the authors' later code.")


COMPAT: Mapping[str, Mapping[str, object]] = {"innereye": {"temperature": 0.1, "hidden": 2048, "dim": 128}}
"""What a ``compat`` value changes here."""


@fp32
def nt_xent(
    first: Float[Tensor, "batch dim"], second: Float[Tensor, "batch dim"], temperature: float
) -> Float[Tensor, " batch"]:
    """NT-Xent of each sample (mean over its two views); negatives are all other views of the global batch.

    Equation 1 of Chen et al. (ICML 2020) on L2-normalised vectors. A view's own similarity is left out of its denominator.
    """
    first, second = F.normalize(first, dim=-1), F.normalize(second, dim=-1)
    rows, mine = len(first), torch.cat([first, second])
    if world_size() == 1:
        loss = contrast_all(mine, torch.arange(2 * rows, device=mine.device).roll(rows), temperature)
    else:
        every = torch.cat([gather(first), gather(second)])
        start = first_row(first)
        own = torch.arange(start, start + rows, device=mine.device)
        own = torch.cat([own, own + len(every) // 2])
        loss = contrast(mine, every, own, own.roll(rows), temperature)
    return loss.view(2, rows).mean(0)


class SimCLR(Method):
    """Encoder, projector, NT-Xent."""

    needs: ClassVar[Mapping[str, int]] = {"global": 2}

    def __init__(self, encoder: Encoder, config: Config) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector: nn.Module = MLP(
            encoder.embedding_dim, config.hidden, config.dim, first_bias=config.hidden_bias, last_bias=False, last_norm=config.last_norm
        )
        self.temperature = config.temperature

    def forward(self, batch: Batch, at: Progress) -> Output:
        """Views (2, B, C, *size) -> NT-Xent (B,)."""
        views = batch.views["global"]
        pooled = self.encoder(views.flatten(0, 1)).pooled
        first, second = self.project(pooled).chunk(2)
        return Output({"nt_xent": nt_xent(first, second, self.temperature)})

    def exports(self) -> Mapping[str, Encoder]:
        """The encoder."""
        return {"encoder": self.encoder}

    def project(self, pooled: Tensor) -> Tensor:
        """``(B, D)`` -> ``(B, dim)``."""
        projected: Tensor = self.projector(self.encoder.embedding(pooled))
        return projected


def build(encoder: Encoder, config: Config) -> SimCLR:
    """What the registry calls."""
    return SimCLR(encoder, config)
