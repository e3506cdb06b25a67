"""Validation while a segmenter is trained, as a monitor: whole volumes, sliding windows, Dice; keeps the best, stops in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.encoders.probing import untouched
from vesalius.measures import segmentation as measures
from vesalius.tasks.segmenter import Segmenter
from vesalius.tasks.sliding import Volumes, Windows, probabilities
from vesalius.tasks.validation import NAME
from vesalius.training.method import Method, Progress
from vesalius.training.monitor import FeaturesLike, Finding

METRICS: Mapping[str, Callable[[measures.Counts], float]] = {
    "dice": measures.mean_dice,
    "dice_monai_tutorial": measures.mean_of_running_means,
}
"""What may choose the best weights: see ``measures.segmentation``."""


class Labelled(Volumes, Protocol):
    """A store whose records have label volumes."""

    def mask(self, row: int) -> NDArray[np.uint8] | None:
        """The label volume (x, y, z) of record ``row``; None where it has none."""


class VolumeValidation:
    """The monitor. ``features("val").vectors`` are counts of voxels, (cases, 3 * classes), as ``counted`` makes them.

    What stands at the start counts as the best until something is better. ``patience``: looks without a better one, among those after
    the first step, before it asks to stop; None never does.
    """

    higher_is_better = True

    def __init__(self, task: TaskSpec, metric: str, patience: int | None) -> None:
        self.name, self.task, self.metric, self.patience = NAME, task, metric, patience
        self.best, self.reached, self.stale, self.stopped = float("nan"), float("nan"), 0, False

    def __call__(self, features: Callable[[str], FeaturesLike], method: Method, at: Progress) -> Finding:
        """Score the volumes of validation, on their stored voxels."""
        counts = features("val").vectors.cpu().numpy().astype(np.int64).reshape(-1, len(self.task.classes), 3)
        scalars = {"dice": measures.mean_dice(counts)}
        scalars[self.metric] = value = METRICS[self.metric](counts)
        better = _better(value, self.best)
        self.best = value if better else self.best
        if at.step > 0:
            onward = _better(value, self.reached)
            self.reached = value if onward else self.reached
            self.stale = 0 if onward else self.stale + 1
        self.stopped = self.patience is not None and self.stale >= self.patience
        return Finding(scalars, {self.metric: better}, self.stopped)

    def state_dict(self) -> dict[str, Tensor]:
        """Best value, best after the first step, looks since, whether it asked to stop."""
        numbers = {name: torch.tensor(getattr(self, name), dtype=torch.float64) for name in ("best", "reached")}
        return {**numbers, "stale": torch.tensor(self.stale), "stopped": torch.tensor(self.stopped)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take ``state_dict``'s tensors back."""
        self.best, self.reached = float(state["best"]), float(state["reached"])
        self.stale, self.stopped = int(state["stale"]), bool(state["stopped"])


def _better(value: float, than: float) -> bool:
    return value == value and (than != than or value > than)


def counted(
    segmenter: Segmenter,
    store: Labelled,
    rows: Sequence[int] | NDArray[np.int64],
    windows: Windows,
    *,
    device: torch.device,
    autocast: torch.dtype | None,
) -> Tensor:
    """``(n, 3 * classes)`` of records ``rows``: voxels of each class in both, in the prediction, in the truth; see ``measures``.

    Leaves no trace in the segmenter.
    """
    classes = len(segmenter.task.classes)
    found = torch.zeros(len(rows), 3 * classes, dtype=torch.float64, device=device)
    with untouched(segmenter):
        for place, row in enumerate(rows):
            truth = store.mask(int(row))
            assert truth is not None
            chances = probabilities(segmenter, store, int(row), windows, device=device, autocast=autocast)
            counts = measures.counts(chances.argmax(0).cpu().numpy(), truth, classes)
            found[place] = torch.from_numpy(counts.reshape(-1).astype(np.float64))
    return found
