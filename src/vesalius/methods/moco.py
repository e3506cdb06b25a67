"""MoCo v2: a query is compared with its key of another view and with a queue of the keys of earlier batches.

He et al., "Momentum contrast", CVPR 2020; Chen et al., "Improved baselines with momentum contrastive learning", 2020.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from vesalius import random
from vesalius.encoders.encoder import Encoder
from vesalius.encoders.projector import MLP
from vesalius.errors import UserError
from vesalius.training.gather import gather
from vesalius.training.method import Method, Output, Progress
from vesalius.training.precision import fp32
from vesalius.training.teacher import frozen_copy, move_towards
from vesalius.views.batch import Batch


class Config(BaseModel):
    """Hyper-parameters of MoCo v2."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queue: int = Field(65536, ge=1, description="Keys of earlier batches to compare with; at least the global batch.")
    momentum: float = Field(0.999, ge=0, le=1, description="Momentum of the key encoder; 0.99 for short runs.")
    temperature: float = Field(0.2, gt=0, description="Temperature of InfoNCE.")
    hidden: int = Field(2048, ge=1, description="Width of the projector's hidden layer.")
    dim: int = Field(128, ge=1, description="Length of the projected vector.")

    def check_batch(self, samples: int) -> None:
        """Raises UserError where the queue cannot hold the keys of a step of ``samples``."""
        check_batch(self.queue, samples)


@fp32
def info_nce(
    query: Float[Tensor, "batch dim"], key: Float[Tensor, "batch dim"], queue: Float[Tensor, "rows dim"], temperature: float
) -> Float[Tensor, " batch"]:
    """InfoNCE of each query (equation 1 of the first paper): its normalised key against every row of ``queue``, of length 1."""
    query, key = F.normalize(query, dim=-1) / temperature, F.normalize(key, dim=-1)
    # log(1 + sum exp(negative - positive)), without a second matrix of logits that has the positive in front
    return -F.logsigmoid((query * key).sum(-1) - torch.logsumexp(query @ queue.T, 1))


def check_batch(queue: int, samples: int) -> None:
    """Raises UserError where ``samples`` of one step make more keys than ``queue`` holds."""
    if samples > queue:
        raise UserError(
            f"method.queue is {queue}, but one step makes {samples} keys, one for each sample of the global batch, and "
            f"the queue has to hold them. Set --method.queue to {samples} or more, or lower --batch_size."
        )


@torch.no_grad()
def enqueue(
    queue: Float[Tensor, "rows dim"], pointer: Int[Tensor, ""], keys: Float[Tensor, "batch dim"], finite: Bool[Tensor, ""] | None
) -> None:
    """Write ``keys`` over the oldest rows, from ``pointer`` on and around the end, and move it behind them; in place.

    ``finite``: where False nothing changes. Raises UserError for more keys than the queue holds.
    """
    check_batch(len(queue), len(keys))
    places = (pointer + torch.arange(len(keys), device=queue.device)) % len(queue)
    queue[places] = keys if finite is None else torch.where(finite, keys, queue[places])
    pointer.add_(len(keys) if finite is None else len(keys) * finite).remainder_(len(queue))


class MoCo(Method):
    """Query encoder and projector, the slow key encoder and projector, and the queue."""

    needs: ClassVar[Mapping[str, int]] = {"global": 2}
    independent = True
    """A sample's loss looks at its own key and the queue, which stands still within a step; else as in BYOL."""
    queue: Tensor
    pointer: Tensor

    def __init__(self, encoder: Encoder, config: Config) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector: nn.Module = MLP(encoder.embedding_dim, config.hidden, config.dim, norm=False)
        self.key_encoder = frozen_copy(encoder)
        self.key_projector = frozen_copy(self.projector)
        self.momentum, self.temperature = config.momentum, config.temperature
        start = random.generator("moco", "queue").standard_normal((config.queue, config.dim), np.float32)
        self.register_buffer("queue", F.normalize(torch.from_numpy(start), dim=-1))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))
        self.fresh: list[Tensor] = []  # keys of the step's micro-batches so far; nothing between steps

    def forward(self, batch: Batch, at: Progress) -> Output:
        """Views (2, B, C, *size) -> InfoNCE (B,): queries of the first, keys of the second, each with statistics of its own."""
        one, two = batch.views["global"][:2]
        with torch.no_grad():
            keys = self.key_projector(self.key_encoder.embedding(self.key_encoder(two).pooled))
        if self.training:
            self.fresh.append(keys)
        queries = self.project(self.encoder(one).pooled)
        return Output({"info_nce": info_nce(queries, keys, self.queue, self.temperature)})

    def after_step(self, out: Output, at: Progress) -> None:
        """Move the key encoder; the global batch's keys, in its order, replace the oldest of the queue."""
        move_towards(self.key_encoder, self.encoder, self.momentum, out.finite)
        move_towards(self.key_projector, self.projector, self.momentum, out.finite)
        keys = F.normalize(gather(torch.cat(self.fresh)).to(self.queue.dtype), dim=-1)
        self.fresh.clear()
        enqueue(self.queue, self.pointer, keys, out.finite)

    def exports(self) -> Mapping[str, Encoder]:
        """The query's encoder, as in the paper, before the key's, which lags behind by 1 / (1 - momentum) steps."""
        return {"query": self.encoder, "key": self.key_encoder}

    def project(self, pooled: Tensor) -> Tensor:
        """``(B, D)`` -> ``(B, dim)``."""
        projected: Tensor = self.projector(self.encoder.embedding(pooled))
        return projected


def build(encoder: Encoder, config: Config) -> MoCo:
    """What the registry calls."""
    return MoCo(encoder, config)
