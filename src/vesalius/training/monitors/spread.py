"""How far the embeddings spread out, without labels, and an alarm when they collapse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor

from vesalius import random
from vesalius.data.task import TaskSpec
from vesalius.measures import rank
from vesalius.training.method import Method, Progress
from vesalius.training.monitor import FeaturesLike, Finding, Interval, Record

NEEDS_LABELS = False


class Config(BaseModel):
    """``at_most`` samples of ``split`` are measured, the same at each event: the rank grows with their number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interval: Interval = Field(Interval(epochs=1), description="How often it looks.")
    split: Literal["train", "val"] = Field("train", description="Which part of the monitoring data is measured.")
    at_most: PositiveInt = Field(10_000, description="Samples measured, the same at each event.")
    stop: bool = Field(False, description="Whether a collapse ends the run.")


class Spread:
    """The monitor; its only state is its best values."""

    metric = "rankme"
    higher_is_better = True
    also = ("alpha_req",)
    """Nearest to 1 is the best: larger decays too fast, smaller keeps noise."""

    def __init__(self, config: Config, name: str, task: TaskSpec | None, seed: int) -> None:
        self.config, self.name, self.seed = config, name, seed
        self.record, self.nearest = Record(self.higher_is_better), Record(higher_is_better=False)

    def __call__(self, features: Callable[[str], FeaturesLike], method: Method, at: Progress) -> Finding:
        """Deviation, ranks and verdict."""
        vectors = features(self.config.split).vectors
        if len(vectors) > self.config.at_most:  # the same samples at every event
            chosen = random.permutation(random.digest64("spread", self.seed), 0, len(vectors))[: self.config.at_most]
            vectors = vectors[torch.from_numpy(chosen).sort().values.to(vectors.device)]
        found = rank.spread(vectors.float())
        # Where nothing is pulled together, vectors close to their mean in many directions are how such a network begins.
        narrow = not method.may_collapse and found.effective_rank >= rank.COLLAPSED_RANK
        collapsed = found.verdict == "collapsed" and not narrow
        scalars = {
            "std": found.std,
            "rankme": found.rankme,
            "effective_rank": found.effective_rank,
            "alpha_req": found.alpha,
            "collapsed": float(collapsed),
        }
        nothing = float("nan")
        best = {
            self.metric: self.record.improves(nothing if collapsed else found.rankme, at),
            "alpha_req": self.nearest.improves(nothing if collapsed else abs(found.alpha - 1), at),
        }
        warning = f"Collapse at step {at.step}: {found.reason}" if collapsed else None
        return Finding(scalars, best, collapsed and self.config.stop and at.step > 0, warning)

    def state_dict(self) -> dict[str, Tensor]:
        """Its best values."""
        return {
            "best": torch.tensor(self.record.best, dtype=torch.float64),
            "nearest": torch.tensor(self.nearest.best, dtype=torch.float64),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take ``state_dict``'s tensors back."""
        self.record.best, self.nearest.best = float(state["best"]), float(state["nearest"])


def build(config: Config, name: str, task: TaskSpec | None, seed: int) -> Spread:
    """The monitor ``name``; it needs no ``task``."""
    return Spread(config, name, task, seed)
