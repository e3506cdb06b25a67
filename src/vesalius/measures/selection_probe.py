"""What a selection is worth for learning: a linear probe on it beside probes on random selections of equal size, all on one test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random
from vesalius.measures import bootstrap, logistic
from vesalius.measures.every import Sheet
from vesalius.measures.metrics import Kind

Rows = NDArray[np.int64]
STRENGTH = 0.1
"""C of every probe: so few samples leave none to choose it by, and each side has the same."""
METRICS: dict[Kind, tuple[str, ...]] = {
    "binary": ("roc_auc", "balanced_accuracy"),
    "classes": ("accuracy", "balanced_accuracy"),
    "multilabel": ("roc_auc",),
}
"""What is measured; the first is what a selection is judged by."""


@dataclass(frozen=True)
class Judged:
    """One measure of a probe on ``labels`` selected samples, with its interval over test units.

    ``random``: the mean over ``seeds`` random selections, with its interval over test units and seeds, and the ``least`` and ``greatest``
    of them. ``difference``: the value less that mean, with the interval over both. ``n``: test samples, of ``units`` units.
    """

    metric: str
    labels: int
    value: float
    low: float
    high: float
    random: float
    random_low: float
    random_high: float
    least: float
    greatest: float
    difference: float
    difference_low: float
    difference_high: float
    seeds: int
    n: int
    units: int

    def as_dict(self) -> dict[str, Any]:
        """The fields."""
        return asdict(self)


@dataclass(frozen=True)
class HeldOut:
    """What probes are tested on: ``vectors`` (N, D), ``labels`` as ``metrics`` has them, ``unit`` (N,) the number of each sample's image or person."""

    vectors: Tensor
    labels: Tensor
    unit: NDArray[np.int64]

    @classmethod
    def of(cls, vectors: Tensor, labels: Tensor, unit: NDArray[np.int64] | None = None) -> HeldOut:
        """Those with a known label; each its own unit unless said otherwise."""
        known = ~labels.isnan() if labels.ndim == 1 else ~labels.isnan().all(1)
        unit = np.arange(len(labels)) if unit is None else unit
        return cls(vectors[known], labels[known], np.unique(unit[known.numpy()], return_inverse=True)[1].reshape(-1))


def answers(vectors: Tensor, labels: Tensor, test: Tensor, kind: Kind, classes: int) -> Tensor:
    """Probabilities of ``test`` (T, outputs) by a probe on ``vectors`` (n, D); the labels' shares where they are all of one class."""
    known = ~labels.isnan() if labels.ndim == 1 else ~labels.isnan().all(1)
    vectors, labels = vectors[known], labels[known]
    if kind != "multilabel" and bool((labels == labels[:1]).all()):
        share = torch.bincount(labels.round().long(), minlength=classes).double() if len(labels) else torch.ones(classes).double()
        return (share / share.sum()).expand(len(test), -1)
    (probe,) = logistic.path(vectors, labels, [STRENGTH], kind=kind, classes=classes)
    return probe.probabilities(test)


def judged(
    vectors: Tensor,
    labels: Tensor,
    chosen: Rows,
    others: Sequence[Rows],
    test: HeldOut,
    kind: Kind,
    classes: int,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> list[Judged]:
    """Probes on rows ``chosen`` of ``vectors`` (N, D) and ``labels``, and on each of ``others``; a line for each measure of ``METRICS``.

    Replicates draw test units with replacement, the same for every probe, and of the random selections as many again.
    """
    units = int(test.unit.max()) + 1 if len(test.unit) else 0
    weights = torch.cat(list(bootstrap.weights(np.arange(units), replicates, seed)), 1)
    names = METRICS[kind]
    once: list[dict[str, float]] = []
    drawn: list[dict[str, Tensor]] = []
    for rows in (chosen, *others):
        at = torch.from_numpy(rows)
        said = answers(vectors[at], labels[at], test.vectors, kind, classes)
        sheet = Sheet(kind, test.labels, said, test.unit, units, names)
        once.append(sheet.once())
        drawn.append(sheet.values(weights))
    again = random.generator("random selections", seed, len(others)).integers(0, len(others), (replicates, len(others)))
    found = []
    for name in names:
        own, values = once[0][name], np.array([one[name] for one in once[1:]])
        its, each = drawn[0][name], torch.stack([one[name] for one in drawn[1:]], 1)
        mean = each.gather(1, torch.from_numpy(again)).nanmean(1)
        apart = its - mean
        found.append(
            Judged(
                name, len(chosen), own, *bootstrap.interval(its), float(np.nanmean(values)), *bootstrap.interval(mean), float(np.nanmin(values)),
                float(np.nanmax(values)), own - float(np.nanmean(values)), *bootstrap.interval(apart), len(others), len(test.labels), units,
            )
        )  # fmt: skip
    return found
