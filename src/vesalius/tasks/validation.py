"""Validation while fine-tuning, as a monitor: scores the head on the validation features, keeps the best, stops in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.tasks import losses, scoring
from vesalius.tasks.labels import stacked
from vesalius.tasks.supervised import Supervised
from vesalius.training.method import Method, Progress
from vesalius.training.monitor import FeaturesLike, Finding

NAME = "validation"


class Validation:
    """The monitor. ``metric``: what chooses, its loss where that is not defined on the validation labels.

    What stands at the start counts as the best until something is better, so that a solved head that training only
    spoils is what the run ends with. ``patience``: looks without a better one, among those after the first step, before
    it asks to stop (a good start must not end a training that first has to find its way back); None never does. ``start``: whether
    what stands at the start may be the best; a head of zeros says the same of every sample, and where classes are rare that is often right.
    """

    def __init__(self, task: TaskSpec, metric: str, patience: int | None, labels: Tensor, start: bool = True) -> None:
        self.name, self.task, self.patience, self.start = NAME, task, patience, start
        wanted = scoring.check(metric or task.metric, task.kind)
        self.metric = wanted if _defined(wanted, task, labels) else "loss"
        self.asked = wanted
        self.higher_is_better = scoring.higher_is_better(self.metric)
        self.best, self.reached, self.stale, self.stopped = float("nan"), float("nan"), 0, False

    def __call__(self, features: Callable[[str], FeaturesLike], method: Method, at: Progress) -> Finding:
        """Score the head on ``features("val")``."""
        assert isinstance(method, Supervised)
        seen, head = features("val"), method.head
        labels = stacked({n: v.to(seen.vectors.device) for n, v in seen.labels.items()}, self.task)
        with torch.no_grad():
            logits = head(seen.vectors.float())
            loss = losses.of(self.task.kind, logits, head.to_target(labels), None).double()
            known = ~labels.isnan() if labels.ndim == 1 else ~labels.isnan().all(1)
            scalars = {"loss": float(loss[known].mean()), **scoring.every(self.task.kind, labels, head.probabilities(logits))}
        value = scalars[self.metric]
        better = (self.start or at.step > 0) and self._better(value, self.best)
        if better:
            self.best = value
        if at.step > 0:
            onward = self._better(value, self.reached)
            self.reached = value if onward else self.reached
            self.stale = 0 if onward else self.stale + 1
        self.stopped = self.patience is not None and self.stale >= self.patience
        warning = None
        if at.step == 0 and self.metric != self.asked:
            warning = f"{self.asked} is not defined on the validation labels, so the loss chooses the best weights."
        return Finding(scalars, {self.metric: better}, self.stopped, warning)

    def _better(self, value: float, than: float) -> bool:
        if value != value:
            return False
        return than != than or (value > than if self.higher_is_better else value < than)

    def state_dict(self) -> dict[str, Tensor]:
        """Best value, best after the first step, looks since, whether it asked to stop."""
        return {
            "best": torch.tensor(self.best, dtype=torch.float64),
            "reached": torch.tensor(self.reached, dtype=torch.float64),
            "stale": torch.tensor(self.stale),
            "stopped": torch.tensor(self.stopped),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take ``state_dict``'s tensors back."""
        self.best, self.reached = float(state["best"]), float(state["reached"])
        self.stale, self.stopped = int(state["stale"]), bool(state["stopped"])


def _defined(metric: str, task: TaskSpec, labels: Tensor) -> bool:
    """Whether ``metric`` has a value on these labels, whatever is answered."""
    if metric == "loss":
        return True
    outputs = labels.shape[1] if labels.ndim == 2 else max(1, len(task.classes))
    guess = torch.arange(len(labels), dtype=torch.float32)[:, None].expand(-1, outputs) / max(1, len(labels))
    return bool(scoring.measure(metric, task.kind, labels, guess.contiguous())[0].isfinite())
