"""VICReg: views agree, every dimension varies over the batch, and no two dimensions say the same; no negatives, no teacher.

Bardes et al., "VICReg: variance-invariance-covariance regularization for self-supervised learning", ICLR 2022.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.projector import MLP
from vesalius.training.gather import gather
from vesalius.training.method import Method, Output, Progress
from vesalius.training.precision import fp32
from vesalius.views.batch import Batch


class Config(BaseModel):
    """Hyper-parameters of VICReg."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    invariance: float = Field(25.0, ge=0, description="Weight of the distance between the two views.")
    variance: float = Field(25.0, ge=0, description="Weight of the hinge that keeps each dimension's deviation at 1.")
    covariance: float = Field(1.0, ge=0, description="Weight of the squared covariances between dimensions.")
    hidden: int = Field(8192, ge=1, description="Width of the expander's two hidden layers; 2048 for small images.")
    dim: int = Field(8192, ge=2, description="Length of the expanded vector; 2048 for small images.")


@fp32
def variance(rows: Float[Tensor, "batch dim"]) -> Float[Tensor, ""]:
    """Mean over dimensions of max(0, 1 - deviation over the batch): equations 1 and 2, epsilon 1e-4."""
    return F.relu(1 - (rows.var(0) + 1e-4).sqrt()).mean()


@fp32
def covariance(rows: Float[Tensor, "batch dim"]) -> Float[Tensor, ""]:
    """Squared covariances of different dimensions, summed, over their number ``dim``: equations 3 and 4."""
    count, dim = rows.shape
    centred = rows - rows.mean(0)
    # products of rows and of columns have one sum of squares: the smaller matrix of the two is enough
    products = centred @ centred.T if count < dim else centred.T @ centred
    variances = centred.pow(2).sum(0)
    return (products.pow(2).sum() - variances.pow(2).sum()) / ((count - 1) ** 2 * dim)


@fp32
def vicreg(
    first: Float[Tensor, "batch dim"], second: Float[Tensor, "batch dim"]
) -> tuple[Float[Tensor, " batch"], Float[Tensor, ""], Float[Tensor, ""]]:
    """Invariance of each sample, mean variance hinge of the two views, sum of their covariance terms; none weighted.

    The last two are statistics of the global batch, and their gradient reaches the rows of every rank. The invariance is
    the mean over dimensions, as in the authors' code.
    """
    one, two = gather(first), gather(second)
    return (first - second).pow(2).mean(-1), (variance(one) + variance(two)) / 2, covariance(one) + covariance(two)


class VICReg(Method):
    """Encoder, expander (the projector here), three terms."""

    needs: ClassVar[Mapping[str, int]] = {"global": 2}

    def __init__(self, encoder: Encoder, config: Config) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector: nn.Module = MLP(encoder.embedding_dim, config.hidden, config.dim, layers=3, last_bias=False)
        self.weights = (config.invariance, config.variance, config.covariance)

    def forward(self, batch: Batch, at: Progress) -> Output:
        """Views (2, B, C, *size) -> invariance (B,), variance () and covariance (), weighted. A forward for each view."""
        one, two = (self.project(self.encoder(view).pooled) for view in batch.views["global"][:2])
        terms = zip(("invariance", "variance", "covariance"), self.weights, vicreg(one, two), strict=True)
        return Output({name: weight * term for name, weight, term in terms})

    def exports(self) -> Mapping[str, Encoder]:
        """The encoder."""
        return {"encoder": self.encoder}

    def project(self, pooled: Tensor) -> Tensor:
        """``(B, D)`` -> ``(B, dim)``."""
        projected: Tensor = self.projector(self.encoder.embedding(pooled))
        return projected


def build(encoder: Encoder, config: Config) -> VICReg:
    """What the registry calls."""
    return VICReg(encoder, config)
