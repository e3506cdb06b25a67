"""BYOL: a student predicts what a slowly moving teacher makes of another view; no negatives.

Grill et al., "Bootstrap your own latent", NeurIPS 2020.
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
from vesalius.training.method import Method, Output, Progress
from vesalius.training.precision import fp32
from vesalius.training.teacher import frozen_copy, move_towards
from vesalius.views.batch import Batch


class Config(BaseModel):
    """Hyper-parameters of BYOL."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    momentum: float = Field(0.99, ge=0, le=1, description="Teacher's momentum at the first step; 1 after the last.")
    hidden: int = Field(4096, ge=1, description="Width of the hidden layer of projector and predictor.")
    dim: int = Field(256, ge=1, description="Length of the projected and predicted vectors.")
    predictor_hidden: int | None = Field(None, ge=1, description="Width of the predictor's hidden layer; as the projector's when absent.")


COMPAT: Mapping[str, Mapping[str, object]] = {
    "innereye": {"momentum": 0.99, "hidden": 2048, "dim": 128, "predictor_hidden": 128}
}
"""What a ``compat`` value changes here."""


@fp32
def regression(prediction: Float[Tensor, "batch dim"], target: Float[Tensor, "batch dim"]) -> Float[Tensor, " batch"]:
    """Squared distance of the normalised vectors, 2 - 2 cos: equation 2 of the paper, in [0, 4]."""
    return 2 - 2 * F.cosine_similarity(prediction, target, dim=-1)


def momentum_at(start: float, at: Progress) -> float:
    """The teacher's momentum rises from ``start`` to 1 along half a cosine (appendix B of the paper)."""
    return at.cosine(start, 1.0)


class BYOL(Method):
    """Student (encoder, projector, predictor) and teacher (encoder, projector)."""

    needs: ClassVar[Mapping[str, int]] = {"global": 2}
    independent = True
    """Only batch norm looks at other samples: with accumulation its statistics are those of a micro-batch."""

    def __init__(self, encoder: Encoder, config: Config) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector: nn.Module = MLP(encoder.embedding_dim, config.hidden, config.dim, first_bias=False)
        self.predictor: nn.Module = MLP(config.dim, config.predictor_hidden or config.hidden, config.dim, first_bias=False)
        self.teacher_encoder = frozen_copy(encoder)
        self.teacher_projector = frozen_copy(self.projector)
        self.momentum = config.momentum

    def forward(self, batch: Batch, at: Progress) -> Output:
        """Views (2, B, C, *size) -> the symmetric loss (B,). Each view has a forward, so statistics, of its own."""
        one, two = batch.views["global"][:2]
        with torch.no_grad():
            targets = [self.project(self.teacher_encoder(view).pooled) for view in (one, two)]
        predictions = [self.predictor(self.projector(self.encoder.embedding(self.encoder(view).pooled))) for view in (one, two)]
        return Output({"byol": regression(predictions[0], targets[1]) + regression(predictions[1], targets[0])})

    def after_step(self, out: Output, at: Progress) -> None:
        """Move the teacher."""
        momentum = momentum_at(self.momentum, at)
        move_towards(self.teacher_encoder, self.encoder, momentum, out.finite)
        move_towards(self.teacher_projector, self.projector, momentum, out.finite)

    def exports(self) -> Mapping[str, Encoder]:
        """The teacher's encoder, an average over the student's past, before the student's."""
        return {"teacher": self.teacher_encoder, "student": self.encoder}

    def project(self, pooled: Tensor) -> Tensor:
        """``(B, D)`` of the teacher -> ``(B, dim)``."""
        projected: Tensor = self.teacher_projector(self.teacher_encoder.embedding(pooled))
        return projected


def build(encoder: Encoder, config: Config) -> BYOL:
    """What the registry calls."""
    return BYOL(encoder, config)
