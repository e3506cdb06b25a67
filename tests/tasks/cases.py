"""One task of each kind, and features from which it can be told."""

from __future__ import annotations

import torch
from torch import Tensor

from vesalius.data.task import TaskSpec

TASKS = {
    "binary": TaskSpec("ill", "binary", ("ill",), ("no", "yes")),
    "classes": TaskSpec("kind", "classes", ("kind",), ("a", "b", "c")),
    "multilabel": TaskSpec("two", "multilabel", ("one", "two"), ("one", "two")),
    "ordinal": TaskSpec("grade", "ordinal", ("grade",), ("none", "mild", "severe", "worst")),
    "regression": TaskSpec("age", "regression", ("age",)),
}


def features(kind: str, count: int = 240, dim: int = 6, seed: int = 0, noise: float = 1.0) -> tuple[Tensor, Tensor]:
    """(count, dim) vectors of unlike scales and labels of ``kind`` that follow from them."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, dim, generator=generator)
    blur = noise * torch.randn(count, 2, generator=generator)
    score = 2 * x[:, 0] - x[:, 1] + blur[:, 0]
    other = x[:, 2] + x[:, 3] + blur[:, 1]
    if kind == "binary":
        y = (score > 0).float()
    elif kind == "classes":
        y = torch.where(score > 1, 2.0, (other > 0).float())
    elif kind == "multilabel":
        y = torch.stack([(score > 0).float(), (other > 0).float()], 1)
    elif kind == "ordinal":
        y = torch.bucketize(score, torch.tensor([-1.5, 0.5, 2.0])).float()
    else:
        y = 40 + 10 * score
    return x * torch.logspace(-2, 2, dim) + 3, y
