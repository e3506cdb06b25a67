"""LeJEPA: every view predicts the mean of the global ones, and the embeddings are held to an isotropic Gaussian.

Balestriero and LeCun, "LeJEPA: Provable and scalable self-supervised learning without the heuristics", 2025
(arXiv:2511.08544). No teacher, no stop-gradient, no negatives, no schedule; one trade-off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from vesalius import random
from vesalius.data.to_device import to_device
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.projector import MLP
from vesalius.training.characteristic import cosine_and_sine_sums
from vesalius.training.gather import gather
from vesalius.training.method import Method, Output, Progress
from vesalius.training.precision import fp32
from vesalius.views.batch import Batch

KNOTS, T_MAX = 17, 3.0
"""Where the characteristic functions are compared: so many points from 0 to 3 (the authors' code)."""


class Config(BaseModel):
    """Hyper-parameters of LeJEPA."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trade_off: float = Field(
        0.05, ge=0, le=1, description="Lambda: SIGReg's share of the loss; the prediction has the rest."
    )
    slices: int = Field(
        1024, ge=1, description="Directions drawn at each step along which embeddings are compared with a Gaussian."
    )
    hidden: int = Field(2048, ge=1, description="Width of the projector's two hidden layers.")
    dim: int = Field(64, ge=1, description="Length of the projected vector.")


@fp32
def prediction(
    embeddings: Float[Tensor, "views batch dim"], globals_: Float[Tensor, "global batch dim"]
) -> Float[Tensor, " batch"]:
    """Squared distance of every view to the mean of the global ones, averaged over views and dimensions (equation 7).

    The gradient flows through the mean as well: nothing is stopped.
    """
    return (embeddings - globals_.mean(0)).square().mean((0, 2))


@fp32
def sigreg(embeddings: Float[Tensor, "views batch dim"], directions: Float[Tensor, "dim slices"]) -> Float[Tensor, ""]:
    """Epps and Pulley's statistic of the global batch against N(0, 1), mean over views and unit ``directions``.

    N * integral over [-3, 3] of |phi_N(t) - exp(-t^2/2)|^2 exp(-t^2/2) dt by the trapezoidal rule, where phi_N is the
    empirical characteristic function of one view's N embeddings along one direction; the integrand is even. N itself
    is in it: the batch sets how strict the test is. Over ranks only the sums of cosines and sines travel, with gradient.
    """
    step = T_MAX / (KNOTS - 1)
    t = torch.linspace(0, T_MAX, KNOTS, dtype=embeddings.dtype, device=embeddings.device)
    weights = torch.full_like(t, 2 * step)
    weights[0] = weights[-1] = step
    gaussian = torch.exp(-t.square() / 2)
    sums = cosine_and_sine_sums(embeddings @ directions.to(embeddings.dtype), step, KNOTS)
    count = gather(torch.full((1,), embeddings.shape[1], dtype=t.dtype, device=t.device)).sum()
    cosine, sine = gather(sums[None]).sum(0) / count
    error = (cosine - gaussian[:, None, None]).square() + sine.square()
    statistic: Tensor = count * (weights * gaussian) @ error.flatten(1).mean(1)
    return statistic


def directions_at(step: int, dim: int, slices: int) -> Float[Tensor, "dim slices"]:
    """Unit vectors drawn uniformly, anew at each step: a function of the step alone, so equal on all ranks."""
    drawn = torch.from_numpy(random.generator("sigreg", step).standard_normal((dim, slices)))
    return torch.nn.functional.normalize(drawn, dim=0).float()


class LeJEPA(Method):
    """Encoder, projector, prediction and SIGReg. Views named "local" are used where the recipe makes them."""

    needs: ClassVar[Mapping[str, int]] = {"global": 2}

    def __init__(self, encoder: Encoder, config: Config) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector: nn.Module = MLP(encoder.embedding_dim, config.hidden, config.dim, layers=3)
        self.config = config

    def forward(self, batch: Batch, at: Progress) -> Output:
        """Views "global" (V, B, C, *size) and "local" of any size -> prediction (B,) and SIGReg ()."""
        groups = [batch.views[name] for name in ("global", "local") if name in batch.views]
        pooled = torch.cat([self.encoder(views.flatten(0, 1)).pooled for views in groups])
        embeddings = self.projector(self.encoder.embedding(pooled)).unflatten(0, (-1, groups[0].shape[1]))
        directions = directions_at(at.step, embeddings.shape[-1], self.config.slices)
        weight = self.config.trade_off
        return Output(
            {
                "prediction": (1 - weight) * prediction(embeddings, embeddings[: len(groups[0])]),
                "sigreg": weight * sigreg(embeddings, to_device(directions, embeddings.device)),
            }
        )

    def exports(self) -> Mapping[str, Encoder]:
        """The encoder."""
        return {"encoder": self.encoder}

    def project(self, pooled: Tensor) -> Tensor:
        """``(B, D)`` -> ``(B, dim)``."""
        projected: Tensor = self.projector(self.encoder.embedding(pooled))
        return projected


def build(encoder: Encoder, config: Config) -> LeJEPA:
    """What the registry calls."""
    return LeJEPA(encoder, config)
