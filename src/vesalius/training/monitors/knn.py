"""Nearest neighbours: each validation sample is labelled by the training samples most like it; nothing is learnt."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.measures import knn, metrics
from vesalius.training.method import Method, Progress
from vesalius.training.monitor import FeaturesLike, Finding, Interval, Record, kind_of, target


class Config(BaseModel):
    """``k`` neighbours; ``temperature`` of their weights, or None for plain majority."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interval: Interval = Field(Interval(epochs=1), description="How often it looks.")
    k: PositiveInt = Field(20, description="Number of neighbours that vote.")
    temperature: PositiveFloat | None = Field(0.07, description="Of the weights of the votes; none: plain majority.")
    metric: str = Field("", description="Which metric chooses the best checkpoint; empty: the task's own.")


class KNN:
    """The monitor; its only state is its best value."""

    higher_is_better = True

    def __init__(self, config: Config, name: str, task: TaskSpec | None, seed: int) -> None:
        self.kind = kind_of(task, name)
        assert task is not None
        self.config, self.name, self.task = config, name, task
        self.metric = config.metric or task.metric
        self.record = Record(self.higher_is_better)

    def __call__(self, features: Callable[[str], FeaturesLike], method: Method, at: Progress) -> Finding:
        """Every measure of the validation set, by the votes of its neighbours in the training set."""
        train, val = features("train"), features("val")
        shares = knn.predict(
            val.vectors.float(),
            train.vectors.float(),
            target(train, self.task),
            len(self.task.classes),
            k=self.config.k,
            temperature=self.config.temperature,
        )
        scalars = metrics.evaluate(self.kind, target(val, self.task), shares)
        return Finding(scalars, {self.metric: self.record.improves(scalars[self.metric], at)})

    def state_dict(self) -> dict[str, Tensor]:
        """Its best value."""
        return {"best": torch.tensor(self.record.best, dtype=torch.float64)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take ``state_dict``'s tensors back."""
        self.record.best = float(state["best"])


def build(config: Config, name: str, task: TaskSpec | None, seed: int) -> KNN:
    """The monitor ``name`` for ``task``. Raises UserError without labels."""
    return KNN(config, name, task, seed)
