"""How the test samples of one data set are drawn again: by subject, the rare classes kept, the same for every encoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from vesalius.evaluate.fitting.fractions import strata
from vesalius.evaluate.pairs.pair import Pair
from vesalius.measures import bootstrap
from vesalius.measures.metrics import Kind

RARE = 30
"""Subjects of a class, below which as many of each class are drawn as there are: else some replicates would have none."""

FEW = 50
"""Subjects of a class, below which intervals are corrected for bias, skewness and how few they are."""

_MOST = 3000
"""Subjects beyond which nobody is left out in turn: a correction that costs more replicates than there are."""

_ERRORS = ("ece", "ace")
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Resampling:
    """``labels`` (n,) or (n, L) of the test samples, ``unit`` (n,) the number of each one's subject, ``units`` of them; ``strata`` (units,)
    where classes are drawn apart; ``rarest``: subjects of the rarest class where they are so few that intervals are corrected, else None;
    ``skewed``: whether for bias and skewness too.
    """

    kind: Kind
    labels: Float[Tensor, "samples ..."]
    unit: NDArray[np.int64]
    units: int
    strata: NDArray[np.int64] | None
    rarest: int | None
    skewed: bool
    replicates: int
    seed: int

    @staticmethod
    def of(kind: Kind, labels: Float[Tensor, "samples ..."], unit: NDArray[np.int64], replicates: int, seed: int, classes: int) -> Resampling:
        """As the number of subjects of the rarest class asks for."""
        has = (labels == 1).numpy() if kind == "multilabel" else torch.stack([labels == c for c in range(classes)], 1).numpy()
        units = int(unit.max()) + 1
        subjects = np.array([len(np.unique(unit[column])) for column in has.T])
        there = has.sum(0) > 0
        rare = bool((subjects[there] < RARE).any())
        fewest = int(subjects[there].min()) if there.any() else 0
        few = fewest < FEW
        return Resampling(
            kind, labels, unit, units, strata(labels, kind, unit) if rare else None, fewest if few else None, few and units <= _MOST, replicates, seed
        )

    def weights(self) -> Iterator[Float[Tensor, "units replicates"]]:
        """Blocks of replicates: how often each subject was drawn."""
        return bootstrap.weights(np.arange(self.units), self.replicates, self.seed, self.strata)

    def left_out(self) -> Iterator[Float[Tensor, "units some"]]:
        """Blocks of weightings, each without one subject."""
        for start in range(0, self.units, 512):
            block = torch.ones(self.units, min(512, self.units - start))
            block[start : start + block.shape[1]].fill_diagonal_(0)
            yield block

    def intervals(
        self, values: Mapping[str, float], replicates: Mapping[str, Tensor], left_out: Mapping[str, Tensor]
    ) -> dict[str, tuple[float, float]]:
        """The 95 % interval of each value."""
        found = {}
        for name, value in values.items():
            if name.startswith(_ERRORS):
                found[name] = bootstrap.shifted_interval(value, replicates[name], self.level)
            elif self.skewed:
                found[name] = bootstrap.accelerated_interval(value, replicates[name], left_out[name], self.level)
            else:
                found[name] = bootstrap.interval(replicates[name], self.level)
        return found

    @property
    def level(self) -> float:
        """Which percentiles make an interval of 95 %."""
        return LEVEL if self.rarest is None else bootstrap.expanded(self.rarest, LEVEL)

    @property
    def method(self) -> str:
        """How intervals are made, for the results."""
        how = ("BCa" if self.skewed else "percentile") + ("" if self.rarest is None else ", expanded")
        return f"{how}, stratified by class" if self.strata is not None else how


def of(pair: Pair) -> Resampling:
    """How the test split of ``pair`` is drawn again."""
    test = pair.split("test")
    return Resampling.of(pair.kind, test.labels, test.groups, pair.asked.replicates, pair.asked.seed, pair.classes)
