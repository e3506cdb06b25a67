"""A head on finished features: solved for, not stepped towards, its strength chosen on the validation samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.measures import logistic, proportional_odds, ridge
from vesalius.tasks import heads, losses
from vesalius.tasks.labels import known
from vesalius.tasks.scoring import measured

POINTS, PATIENCE = 25, 4


@dataclass(frozen=True, eq=False)
class Fitted:
    """The ``head`` of lowest validation loss; ``tried``: strength C and validation loss of each, weakest C first."""

    head: heads.Head
    tried: list[dict[str, float]]

    @property
    def strength(self) -> float:
        """The chosen C."""
        return min(self.tried, key=lambda row: row["val_loss"])["c"]


def fit(
    task: TaskSpec, train: tuple[Tensor, Tensor], val: tuple[Tensor, Tensor], *, balanced: bool = False
) -> Fitted:
    """The head of ``task`` on ``train``: vectors (N, D) and labels, chosen by the loss on ``val``; NaN = unknown.

    Classes and labels are told apart by logistic regression, ordered classes by proportional odds, quantities fitted by
    ridge regression; all on standardised features, with C equally spaced in the logarithm. ``balanced`` weighs
    classes by the training labels.
    """
    keep, chosen_by = known(train[1]), known(val[1])
    x, y = train[0][keep].float(), train[1][keep].to(train[0].device)
    x_val, y_val = val[0][chosen_by].float(), val[1][chosen_by].to(val[0].device)
    tried: list[dict[str, float]] = []
    best: heads.Head | None = None
    worse = 0
    for c, head in _path(task, x, y, balanced):
        with torch.no_grad():
            loss = float(losses.of(task.kind, head(x_val), head.to_target(y_val), None).double().mean())
        if best is None or loss < min(row["val_loss"] for row in tried):
            best, worse = head, 0
        else:
            worse += 1
        tried.append({"c": c, "val_loss": loss})
        if worse >= PATIENCE:  # along the path the loss falls, then rises
            break
    assert best is not None
    return Fitted(best, tried)


def _path(task: TaskSpec, x: Tensor, y: Tensor, balanced: bool) -> Iterator[tuple[float, heads.Head]]:
    if task.kind == "ordinal":
        return _ordered(task, x, y, balanced)
    if task.kind == "regression":
        return _lines(task, x, y)
    return _logistic(task, x, y, balanced)


def _logistic(task: TaskSpec, x: Tensor, y: Tensor, balanced: bool) -> Iterator[tuple[float, heads.Head]]:
    path = logistic.path(
        x,
        y,
        logistic.grid(POINTS, 1e-6, 1e3),
        kind=measured(task.kind),
        classes=len(task.classes),
        balanced=balanced,
        max_iterations=300,
        dtype=torch.float32 if len(x) > 5000 else None,
    )
    for probe in path:
        weights, bias = probe.weights.T, probe.bias
        if task.kind != "multilabel" and len(weights) == 1:  # one sigmoid as two logits
            weights, bias = (torch.cat([torch.zeros_like(part), part]) for part in (weights, bias))
        yield probe.c, _filled(task, x, y, weight=weights, bias=bias)


def _ordered(task: TaskSpec, x: Tensor, y: Tensor, balanced: bool) -> Iterator[tuple[float, heads.Head]]:
    weight = losses.balancing(y, task.kind, len(task.classes))[0][y.long()] if balanced else None
    for found in proportional_odds.path(x, y, logistic.grid(POINTS, 1e-6, 1e3), len(task.classes), weight):
        yield found.c, _filled(task, x, y, weight=found.weights[None], first=found.first, gaps=found.gaps)


def _lines(task: TaskSpec, x: Tensor, y: Tensor) -> Iterator[tuple[float, heads.Head]]:
    for line in ridge.path(x, y, logistic.grid(POINTS, 1e-6, 1e3)):
        head = _filled(task, x, y)
        assert isinstance(head, heads.ValueHead)
        spread, middle = head.spread.double(), head.middle.double()
        with torch.no_grad():
            head.weight.copy_(line.weights[None] / spread)
            head.bias.copy_((line.bias[None] - middle) / spread)
        yield line.c, head


def _filled(task: TaskSpec, x: Tensor, y: Tensor, **tensors: Tensor) -> heads.Head:
    head = heads.build(task, x.shape[1], y).to(x.device)
    with torch.no_grad():
        for name, value in tensors.items():
            getattr(head, name).copy_(value)
    return head


