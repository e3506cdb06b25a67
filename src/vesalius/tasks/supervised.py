"""Supervised fine-tuning as a method of the one loop: views through encoder and head, the task's loss on known labels.

Labels are looked up by sample id, from buffers that are no part of the state: so the loop, the feed and the views need
know nothing of labels. The encoder learns at its own, lower rate (``lr_factor``; layer by layer with
``optimizer.layer_decay``), the head at the full one. Kumar et al., "Fine-tuning can distort pretrained features", ICLR
2022: begin with the head that is best on the frozen encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vesalius.encoders.encoder import Encoder
from vesalius.tasks import losses
from vesalius.tasks.heads import Head
from vesalius.training.method import Group, Method, Output, Progress, groups_by_shape
from vesalius.views.batch import Batch


class Supervised(Method):
    """``encoder`` and ``head``. ``ids`` (N,) and ``labels`` (N,) or (N, L), NaN unknown, of everything that is learnt from.

    ``weights``: of the classes (see ``losses.balancing``), or None. ``dropout``: share of the pooled vector put to zero.
    """

    needs: ClassVar[Mapping[str, int]] = {"global": 1}
    independent = True
    """Only batch norm looks at other samples: with accumulation its statistics are those of a micro-batch."""
    _ids: Tensor
    _labels: Tensor
    _weights: Tensor | None

    def __init__(
        self,
        encoder: Encoder,
        head: Head,
        ids: NDArray[np.uint64],
        labels: Tensor,
        *,
        weights: Tensor | None = None,
        lr_factor: float = 0.1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder, self.head, self.lr_factor, self.dropout = encoder, head, lr_factor, dropout
        order = np.argsort(ids.view(np.int64), kind="stable")
        self.register_buffer("_ids", torch.from_numpy(ids.view(np.int64)[order].copy()), persistent=False)
        self.register_buffer("_labels", labels[torch.from_numpy(order)].float(), persistent=False)
        self.register_buffer("_weights", weights, persistent=False)

    def forward(self, batch: Batch, at: Progress) -> Output:
        """Views (V, B, C, *size) -> the task's loss (B,), its mean over a sample's views."""
        views = batch.views["global"]
        pooled = self.encoder(views.flatten(0, 1)).pooled
        logits = self.head(F.dropout(pooled, self.dropout, self.training))
        target = self.head.to_target(self.labels_of(batch.ids))
        target = target.repeat(len(views), *[1] * (target.ndim - 1))
        loss = losses.of(self.head.task.kind, logits, target, self._weights)
        return Output({"supervised": loss.view(len(views), -1).mean(0)})

    def labels_of(self, ids: Int[Tensor, " batch"]) -> Float[Tensor, "batch ..."]:
        """What is known of the samples ``ids``."""
        return self._labels[torch.searchsorted(self._ids, ids)]

    def groups(self) -> list[Group]:
        """The encoder's parameters at ``lr_factor`` of the rate, the head's at all of it."""
        own = [replace(group, lr=self._factor, name=f"encoder {group.name}") for group in groups_by_shape(self.encoder.parameters())]
        head = [replace(group, name=f"head {group.name}") for group in groups_by_shape(self.head.parameters())]
        return [group for group in (*own, *head) if group.params]

    def _factor(self, at: Progress) -> float:
        return self.lr_factor

    def exports(self) -> Mapping[str, Encoder]:
        """The encoder."""
        return {"encoder": self.encoder}
