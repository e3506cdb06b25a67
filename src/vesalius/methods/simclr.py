"""SimCLR: two views of one image are pulled together, against every other view of the batch.

Chen et al., "A simple framework for contrastive learning of visual representations", ICML 2020.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.projector import MLP
from vesalius.training.contrast import nt_xent
from vesalius.training.method import Method, Output, Progress
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
