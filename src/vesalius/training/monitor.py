"""The contract of a monitor: it reads features of the monitoring set and says what they are worth; it touches nothing.

One monitor per file in ``monitors/``. Each file has ``Config``, its fields, and ``build(config, name, task, seed)``;
``NEEDS_LABELS = False`` where it does without, and a ``Config`` made from ``SeesViews`` where it looks at views.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.errors import UserError
from vesalius.measures.metrics import Kind
from vesalius.training.method import Method, Progress


class Interval(BaseModel):
    """How often a monitor looks: every so many ``epochs`` or every so many ``steps``, exactly one of the two."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: PositiveFloat | None = None
    steps: PositiveInt | None = None

    @model_validator(mode="after")
    def _one(self) -> Interval:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either epochs or steps")
        return self

    def due(self, at: Progress) -> bool:
        """Whether to look before step ``at.step``: at the start, at the end, and at each whole interval between."""
        if at.step in (0, at.steps):
            return True
        return at.step % self.in_steps(at.steps_per_epoch) == 0

    def in_steps(self, steps_per_epoch: int) -> int:
        """The interval in steps, at least 1."""
        return self.steps if self.steps is not None else max(1, round((self.epochs or 1.0) * steps_per_epoch))


class SeesViews(BaseModel):
    """Fields of a monitor that may ask for ``features("views")``: vectors (images, views, D), drawn as the training's
    views are and the same at every event.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    split: Literal["train", "val"] = Field("train", description="Which part of the monitoring data is looked at.")
    images: int = Field(512, ge=2, description="Images looked at.")
    views: int = Field(10, ge=2, description="Views of each image.")


class SeesPaintings(BaseModel):
    """Fields of a monitor that may ask for ``features("painted")``: what its ``measure(method, batch)`` gives, (B, K), of
    validation samples as the training's views without augmentation show them, the same at every event.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    labelled: ClassVar[bool] = False
    """Whether it needs the label volumes beside the samples."""

    at_most: PositiveInt = Field(256, description="Validation samples looked at, the same at each event.")


@dataclass(frozen=True)
class Finding:
    """What a monitor found: numbers to log, by name; which of them are the best so far; whether to end the run; one
    sentence for the user. A number that is not defined (one class present) is NaN. ``best`` may name, beside the
    monitor's ``metric``, what it ``also`` keeps a checkpoint by.
    """

    scalars: Mapping[str, float]
    best: Mapping[str, bool] = field(default_factory=dict)
    stop: bool = False
    warning: str | None = None
    pictures: Mapping[str, bytes] = field(default_factory=dict)


@runtime_checkable
class FeaturesLike(Protocol):
    """What a monitor reads, made by one shared pass in evaluation mode: see ``vesalius.features.Features``."""

    @property
    def vectors(self) -> Tensor:
        """(N, D) floating point."""

    @property
    def labels(self) -> Mapping[str, Tensor]:
        """Label columns by name, (N,) each, NaN = unknown."""


@runtime_checkable
class Monitor(Protocol):
    """Deterministic given seed and step; its whole state is in ``state_dict``, so that a resumed run is bit-exact."""

    name: str
    metric: str
    """The scalar that chooses its best checkpoint."""
    higher_is_better: bool

    def __call__(self, features: Callable[[str], FeaturesLike], method: Method, at: Progress) -> Finding:
        """Look at ``features("train")`` and ``features("val")`` before step ``at.step``; see ``SeesViews``."""

    def state_dict(self) -> dict[str, Tensor]:
        """Everything it remembers, on the CPU."""

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Remember it again."""


@dataclass
class Record:
    """The best value of a metric so far; NaN is never the best, nor is the encoder before its first step."""

    higher_is_better: bool
    best: float = float("nan")

    def improves(self, value: float, at: Progress) -> bool:
        """Whether ``value`` is better than all before it, which it then replaces."""
        if at.step == 0:
            return False
        better = value > self.best if self.higher_is_better else value < self.best
        if value == value and (self.best != self.best or better):
            self.best = value
            return True
        return False


def criteria(monitor: Monitor) -> dict[str, str]:
    """What ``monitor`` keeps best checkpoints by: name of the checkpoint -> its scalar, the monitor's own metric first.

    ``best-NAME`` is chosen by ``monitor.metric``, ``best-NAME-SCALAR`` by each further scalar in ``monitor.also``.
    """
    further = {f"best-{monitor.name}-{key}": key for key in getattr(monitor, "also", ())}
    return {f"best-{monitor.name}": monitor.metric, **further}


def kind_of(task: TaskSpec | None, monitor: str) -> Kind:
    """The task as the measures know it. Raises UserError where there is no task, or one without classes."""
    if task is None:
        raise UserError(
            f"The monitor {monitor!r} needs labelled images, and the monitoring data have none. Name a labelled data "
            f"set as data.monitor, or drop this monitor: the monitors 'spread' and 'lidar' need no labels."
        )
    if task.kind == "regression" or task.kind == "segmentation":
        raise UserError(f"The monitor {monitor!r} measures classes of whole images; {task.name!r} is a {task.kind}. Name another task.")
    return "classes" if task.kind == "ordinal" else task.kind


def target(features: FeaturesLike, task: TaskSpec) -> Float[Tensor, "samples ..."]:
    """The task's labels, (N,) class numbers or (N, L) for multi-label, in single precision beside the vectors."""
    columns = [features.labels[name].to(features.vectors.device, torch.float32) for name in task.labels]
    return torch.stack(columns, 1) if task.kind == "multilabel" else columns[0]


def labelled(labels: Float[Tensor, "samples ..."]) -> Tensor:
    """(N,) whether anything is known of a sample."""
    return ~labels.isnan() if labels.ndim == 1 else ~labels.isnan().all(1)
