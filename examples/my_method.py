"""A method from outside Vesalius: Barlow Twins. Copy it and write your own ``forward``.

vesalius pretrain cifar10-simclr --method.name barlow-twins --plugins examples/my_method.py --data.train ./images --data.monitor ./images

Zbontar et al., "Barlow Twins: self-supervised learning via redundancy reduction", ICML 2021. The loop, several processes, resuming, monitors and
the report come by themselves. A package of yours names the module instead: ``[project.entry-points."vesalius.methods"]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.projector import MLP
from vesalius.training.gather import gather
from vesalius.training.method import Method, Output, Progress
from vesalius.training.precision import fp32
from vesalius.views.batch import Batch

VESALIUS = {"methods": ["barlow-twins"]}


class Config(BaseModel):
    """Hyper-parameters: ``--method.dim 512``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    redundancy: float = Field(0.0051, ge=0, description="Weight of the correlations between different dimensions.")
    hidden: int = Field(2048, ge=1, description="Width of the projector's hidden layers.")
    dim: int = Field(2048, ge=2, description="Length of the projected vector.")


@fp32
def barlow_twins(first: Tensor, second: Tensor, redundancy: float) -> Tensor:
    """(): squared distance of the (dim, dim) cross-correlation of the views from the identity, over the batch of all processes."""
    one, two = (rows.sub(rows.mean(0)).div(rows.std(0, correction=0) + 1e-5) for rows in (gather(first), gather(second)))
    correlation = one.T @ two / len(one)
    same = correlation.diagonal()
    return (same - 1).pow(2).sum() + redundancy * (correlation.pow(2).sum() - same.pow(2).sum())


class BarlowTwins(Method):
    """Encoder, projector, one term."""

    needs: ClassVar[Mapping[str, int]] = {"global": 2}

    def __init__(self, encoder: Encoder, config: Config) -> None:
        super().__init__()
        self.encoder, self.redundancy = encoder, config.redundancy
        self.projector: nn.Module = MLP(encoder.embedding_dim, config.hidden, config.dim, layers=3, last_bias=False)

    def forward(self, batch: Batch, at: Progress) -> Output:
        """Views (2, B, C, *size) -> the loss ()."""
        first, second = (self.project(self.encoder(view).pooled) for view in batch.views["global"][:2])
        return Output({"barlow_twins": barlow_twins(first, second, self.redundancy)})

    def exports(self) -> Mapping[str, Encoder]:
        """The encoder."""
        return {"encoder": self.encoder}

    def project(self, pooled: Tensor) -> Tensor:
        """``(B, D)`` -> ``(B, dim)``."""
        projected: Tensor = self.projector(self.encoder.embedding(pooled))
        return projected


def build(encoder: Encoder, config: Config) -> BarlowTwins:
    """What the registry calls."""
    return BarlowTwins(encoder, config)
