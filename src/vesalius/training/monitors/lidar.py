"""LiDAR, without labels: how many directions tell images apart rather than the views of one image."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.measures import rank
from vesalius.training.method import Method, Progress
from vesalius.training.monitor import FeaturesLike, Finding, Interval, Record, SeesViews

NEEDS_LABELS = False


class Config(SeesViews):
    """``images`` of ``split`` in ``views`` views each: every image is a class of its own. The rank grows with both numbers;
    the paper has more images than dimensions, and 50 views, of which it finds 10 enough.
    """

    interval: Interval = Field(Interval(epochs=1), description="How often it looks.")
    delta: PositiveFloat = Field(1e-4, description="Added to the diagonal of the covariance within images.")


class Lidar:
    """The monitor; its only state is its best value."""

    metric = "lidar"
    higher_is_better = True

    def __init__(self, config: Config, name: str, task: TaskSpec | None, seed: int) -> None:
        self.config, self.name = config, name
        self.record = Record(self.higher_is_better)

    def __call__(self, features: Callable[[str], FeaturesLike], method: Method, at: Progress) -> Finding:
        """The rank of the LDA matrix of ``features("views")``, (images, views, D)."""
        vectors = features("views").vectors
        value = rank.lidar(vectors, self.config.delta)
        # where images differ by less than delta in every dimension, what is left of a collapsed cloud may still be round
        faint = bool(vectors.mean(1).var(0).max() < self.config.delta)
        better = self.record.improves(float("nan") if faint else value, at)
        return Finding({self.metric: value}, {self.metric: better})

    def state_dict(self) -> dict[str, Tensor]:
        """Its best value."""
        return {"best": torch.tensor(self.record.best, dtype=torch.float64)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take ``state_dict``'s tensors back."""
        self.record.best = float(state["best"])


def build(config: Config, name: str, task: TaskSpec | None, seed: int) -> Lidar:
    """The monitor ``name``; it needs no ``task``."""
    return Lidar(config, name, task, seed)
