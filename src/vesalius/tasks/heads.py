"""What stands on an encoder: pooled vectors (B, D) to logits, by the kind of task.

Every head maps to what its loss takes: a logit per class (``classes``, ``binary``), per label (``multilabel``), the
log-probability of each ordered class (``ordinal``), or a standardised quantity (``regression``). Weights start at zero, so
that nothing depends on a draw and the first gradient of the encoder is not noise.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from vesalius.data.task import TaskSpec
from vesalius.measures import proportional_odds


class Head(nn.Module):
    """Base of the heads. ``dim``: length of the pooled vector."""

    def __init__(self, task: TaskSpec, dim: int) -> None:
        super().__init__()
        self.task, self.dim = task, dim

    def probabilities(self, logits: Float[Tensor, "batch outputs"]) -> Float[Tensor, "batch outputs"]:
        """Probability of each class (rows sum to 1) or label; of a regression the quantity in its own units (B, 1)."""
        return logits.sigmoid() if self.task.kind == "multilabel" else logits.softmax(1)

    def to_target(self, labels: Tensor) -> Tensor:
        """Labels (B,), of several (B, labels), as the loss takes them."""
        return labels


class LinearHead(Head):
    """One linear layer: a logit per class, or per label."""

    def __init__(self, task: TaskSpec, dim: int) -> None:
        super().__init__(task, dim)
        outputs = len(task.labels) if task.kind == "multilabel" else len(task.classes)
        self.weight = nn.Parameter(torch.zeros(outputs, dim))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, pooled: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch outputs"]:
        """Logits."""
        return F.linear(pooled, self.weight, self.bias)


class OrdinalHead(Head):
    """One score and increasing thresholds; see ``measures.proportional_odds``."""

    def __init__(self, task: TaskSpec, dim: int) -> None:
        super().__init__(task, dim)
        self.weight = nn.Parameter(torch.zeros(1, dim))
        self.first = nn.Parameter(torch.tensor(-1.0))
        self.gaps = nn.Parameter(torch.zeros(max(0, len(task.classes) - 2)))

    def forward(self, pooled: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch classes"]:
        """Log-probabilities of the ordered classes."""
        score = F.linear(pooled, self.weight)[:, 0].float()
        return proportional_odds.log_probabilities(score, proportional_odds.thresholds(self.first, self.gaps))


class ValueHead(Head):
    """A quantity, standardised by mean and deviation of the training labels, which it keeps."""

    middle: Tensor
    spread: Tensor

    def __init__(self, task: TaskSpec, dim: int) -> None:
        super().__init__(task, dim)
        self.weight = nn.Parameter(torch.zeros(1, dim))
        self.bias = nn.Parameter(torch.zeros(1))
        self.register_buffer("middle", torch.tensor(0.0))
        self.register_buffer("spread", torch.tensor(1.0))

    def forward(self, pooled: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch 1"]:
        """The quantity in deviations from the mean."""
        return F.linear(pooled, self.weight, self.bias)

    def probabilities(self, logits: Float[Tensor, "batch 1"]) -> Float[Tensor, "batch 1"]:
        """The quantity in its own units."""
        return logits.float() * self.spread + self.middle

    def to_target(self, labels: Tensor) -> Tensor:
        """Labels (B,) in deviations from the mean."""
        return (labels - self.middle) / self.spread


def build(task: TaskSpec, dim: int, labels: Tensor) -> Head:
    """The head of ``task`` on vectors of ``dim``; ``labels`` (n,) of the training samples standardise a regression."""
    if task.kind == "ordinal":
        return OrdinalHead(task, dim)
    if task.kind != "regression":
        return LinearHead(task, dim)
    head, known = ValueHead(task, dim), labels[~labels.isnan()].double()
    head.middle.fill_(known.mean())
    head.spread.fill_(max(float(known.std(correction=0)), 1e-12))
    return head


def empty(task: TaskSpec, dim: int) -> Head:
    """The head of ``task`` to be filled with saved tensors."""
    kinds: dict[str, type[Head]] = {"ordinal": OrdinalHead, "regression": ValueHead}
    return kinds.get(task.kind, LinearHead)(task, dim)
