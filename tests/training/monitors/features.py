"""Features as the loop hands them to monitors, and a task, for the tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.encoders.encoder import Encoder
from vesalius.training.method import Method, Output, Progress
from vesalius.views.batch import Batch

TASKS = {
    "classes": TaskSpec("toy", "classes", ("kind",), ("a", "b", "c")),
    "binary": TaskSpec("toy", "binary", ("sick",), ("no", "yes")),
    "multilabel": TaskSpec("toy", "multilabel", ("first", "second"), ("first", "second")),
}


@dataclass
class Split:
    vectors: Tensor
    labels: dict[str, Tensor]


@dataclass
class Toy:
    """Two splits of vectors whose labels can be read from them; counts how often each split was asked for."""

    kind: str = "classes"
    rows: int = 300
    seed: int = 0
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        generator = torch.Generator().manual_seed(self.seed)
        self.splits = {name: self._split(generator) for name in ("train", "val")}

    def _split(self, generator: torch.Generator) -> Split:
        x = torch.randn(self.rows, 8, generator=generator) * torch.tensor([8.0, 8, 1, 1, 1, 1, 1, 0.1]) + 3
        first, second = (x[:, 0] > 3).double(), (x[:, 1] > 3).double()
        labels = {"kind": first * (1 + second), "sick": first, "first": first, "second": second}
        return Split(x, labels)

    def __call__(self, split: str) -> Split:
        self.asked.append(split)
        return self.splits[split]


def after_epochs(epochs: float, steps_per_epoch: int = 10) -> Progress:
    step = round(epochs * steps_per_epoch)
    return Progress(step, 100 * steps_per_epoch, step // steps_per_epoch, 100.0, steps_per_epoch)


class Untouchable(Method):
    """A method no monitor may use."""

    def forward(self, batch: Batch, at: Progress) -> Output:
        raise AssertionError("a monitor called the method")

    def exports(self) -> dict[str, Encoder]:
        raise AssertionError("a monitor asked for the encoder")


METHOD = Untouchable()
