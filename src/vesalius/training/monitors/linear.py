"""A linear head that learns beside the encoder from its features and never touches it.

At each event it sees every labelled training sample once per pretraining epoch that ended since the last event; then
all of the labelled validation set is scored. Features are standardised by mean and deviation of the training features
of the same event, so that the head stays well conditioned while the encoder moves. With ``views`` the training samples are
seen changed, each once an event and anew at the next; the validation samples never are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.errors import UserError
from vesalius.measures import metrics
from vesalius.random import digest64
from vesalius.training.linear_head import LinearHead, class_weights
from vesalius.training.method import Method, Progress
from vesalius.training.monitor import FeaturesLike, Finding, Interval, Record, kind_of, labelled, target

_INNEREYE = {"dropout": 0.2, "lr": 1e-4, "weight_decay": 1e-4, "standardise": False}
_INNEREYE_NAMES = {"accuracy": "AccuracyAtThreshold05", "roc_auc": "AreaUnderRocCurve", "pr_auc": "AreaUnderPRCurve"}


class Config(BaseModel):
    """``compat: innereye`` sets dropout 0.2, rate and decay 1e-4 and raw features where these are not given, logs the
    original's names, and takes the area under the precision-recall curve by trapezoids.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    interval: Interval = Field(Interval(epochs=1), description="How often it looks.")
    lr: PositiveFloat = Field(3e-3, description="Learning rate of the head's own Adam.")
    weight_decay: NonNegativeFloat = Field(1e-4, description="Of the head's own Adam.")
    batch: PositiveInt = Field(256, description="Samples of one step of the head.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of the features put to zero while the head learns.")
    standardise: bool = Field(True, description="Features to zero mean and unit deviation, anew at each event.")
    balanced: bool = Field(False, description="Weigh classes by 1 / their number among the training labels.")
    metric: str = Field("", description="Which metric chooses the best checkpoint; empty: the task's own.")
    views: str | Mapping[str, Any] | None = Field(
        None, description="Views the training images are learnt in: a recipe's name, a YAML file, or inline; none: as they are."
    )
    compat: Literal["none", "innereye"] = Field("none", description="innereye: the original's rules and names.")

    @model_validator(mode="before")
    @classmethod
    def _original(cls, fields: Any) -> Any:
        return _INNEREYE | fields if isinstance(fields, dict) and fields.get("compat") == "innereye" else fields


    @field_validator("views")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return None if value == "none" else value


class Linear:
    """The monitor. Its state: head, optimizer, passes made, best value."""

    higher_is_better = True

    def __init__(self, config: Config, name: str, task: TaskSpec | None, seed: int) -> None:
        self.kind = kind_of(task, name)
        assert task is not None
        self.config, self.name, self.task = config, name, task
        self.seed = digest64("linear head", name, seed) >> 1
        self.judged_by = config.metric or task.metric
        self.metric = self._named("val", self.judged_by)
        self.record = Record(self.higher_is_better)
        self.outputs = len(task.labels) if self.kind == "multilabel" else len(task.classes)
        self.passes = 0
        self.head: LinearHead | None = None

    def __call__(self, features: Callable[[str], FeaturesLike], method: Method, at: Progress) -> Finding:
        """Learn from the training features as often as epochs went by, then score the validation features."""
        train, val = features("train" if self.config.views is None else "views"), features("val")
        labels, val_labels = target(train, self.task), target(val, self.task)
        known = labelled(labels)
        if not bool(known.any()):
            raise UserError(
                f"The monitor {self.name!r} found no labelled training sample in the monitoring data. Label some, or "
                f"drop this monitor."
            )
        vectors, labels = train.vectors[known].float(), labels[known]
        shift, scale = self._statistics(vectors)
        vectors, val_vectors = (vectors - shift) / scale, (val.vectors.float() - shift) / scale
        if self.head is None or self.head.weight.device != vectors.device:
            kept = None if self.head is None else self.head.state_dict()  # after a resume it lies on the CPU
            self.head = self._new_head(vectors.shape[1], vectors.device)
            if kept is not None:
                self.head.load_state_dict(kept)
        weights, missing = class_weights(labels, self.kind, self.outputs) if self.config.balanced else (None, [])
        scalars: dict[str, float] = {}
        for epoch in range(self.passes, at.step // at.steps_per_epoch):
            logits, loss = self.head.learn(
                vectors,
                labels,
                weights,
                seed=self.seed,
                epoch=epoch,
                batch=self.config.batch,
                dropout=self.config.dropout,
            )
            scalars = {self._named("train", "loss"): loss, **self._score("train", labels, logits)}
            self.passes = epoch + 1
        with torch.no_grad():
            logits = self.head.logits(val_vectors)
            known = labelled(val_labels)
            scalars[self._named("val", "loss")] = (
                float(self.head.loss(logits[known], val_labels[known], weights)) if bool(known.any()) else float("nan")
            )
            scalars |= self._score("val", val_labels, logits)
        best = {self.metric: self.record.improves(scalars[self.metric], at)}
        return Finding(scalars, best, warning=self._missing(missing))

    def _statistics(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        if not self.config.standardise:
            return vectors.new_zeros(1), vectors.new_ones(1)
        scale = vectors.std(0, correction=0)
        return vectors.mean(0), torch.where(scale > 1e-6, scale, torch.ones_like(scale))  # a constant stays a constant

    def _new_head(self, dim: int, device: torch.device) -> LinearHead:
        rates = {"lr": self.config.lr, "weight_decay": self.config.weight_decay}
        return LinearHead(dim, self.outputs, self.kind, device=device, **rates)

    def _score(self, split: str, labels: Tensor, logits: Tensor) -> dict[str, float]:
        assert self.head is not None
        shares = self.head.probabilities(logits)
        labels = labels.masked_fill(labels != labels.round(), torch.nan)  # a soft target is learnt, not scored
        values = metrics.evaluate(self.kind, labels, shares)
        if self.config.compat == "innereye":
            shown = {self.judged_by, *(("accuracy", "roc_auc", "pr_auc") if self.outputs == 2 else ("accuracy",))}
            if self.outputs == 2 and self.kind != "multilabel":
                seen = labelled(labels)
                values["pr_auc"] = metrics.area_under_pr_by_trapezoids(labels[seen] == 1, shares[seen, 1])
            values = {name: values[name] for name in sorted(shown)}
        return {self._named(split, name): value for name, value in values.items()}

    def _named(self, split: str, name: str) -> str:
        if self.config.compat == "none":
            return name if split == "val" and name != "loss" else f"{split}_{name}"
        online = "online_" if split == "train" and name != "loss" else ""
        return f"ssl_online_evaluator/{split}/{online}{_INNEREYE_NAMES.get(name, name)}"

    def _missing(self, missing: list[int]) -> str | None:
        if not missing:
            return None
        names = ", ".join(self.task.classes[i] if i < len(self.task.classes) else str(i) for i in missing)
        return f"The monitor {self.name!r}: no training label of {names}; its weight in the balanced loss is 0."

    def state_dict(self) -> dict[str, Tensor]:
        """Head, optimizer, passes made, best value."""
        state = {f"head.{key}": value for key, value in self.head.state_dict().items()} if self.head is not None else {}
        best = torch.tensor(self.record.best, dtype=torch.float64)
        return {"passes": torch.tensor(self.passes), "best": best, **state}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take ``state_dict``'s tensors back."""
        self.passes, self.record.best = int(state["passes"]), float(state["best"])
        tensors = {key.removeprefix("head."): value for key, value in state.items() if key.startswith("head.")}
        if tensors:  # on the CPU until the first features say where they live
            self.head = self._new_head(tensors["weight"].shape[1], torch.device("cpu"))
            self.head.load_state_dict(tensors)


def build(config: Config, name: str, task: TaskSpec | None, seed: int) -> Linear:
    """The monitor ``name`` for ``task``. Raises UserError without labels."""
    return Linear(config, name, task, seed)
