from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from vesalius.tasks.volume_validation import VolumeValidation

TASK: Any = SimpleNamespace(classes=("background", "organ"))


def look(monitor: VolumeValidation, right: int, step: int) -> Any:
    """One case of 100 voxels of the organ, ``right`` of them found."""
    counts = torch.tensor([[900.0, 900, 900, right, 100, 100]])
    found: Any = SimpleNamespace(vectors=counts)
    call = getattr(VolumeValidation.__call__, "__wrapped__", VolumeValidation.__call__)
    return call(monitor, lambda split: found, None, SimpleNamespace(step=step))


def made(patience: int | None = 2) -> VolumeValidation:
    monitor = VolumeValidation.__new__(VolumeValidation)
    monitor.name, monitor.task, monitor.metric, monitor.patience = "validation", TASK, "dice", patience
    monitor.best, monitor.reached, monitor.stale, monitor.stopped = float("nan"), float("nan"), 0, False
    return monitor


def test_patience_counts_looks_after_the_start_without_a_better_one() -> None:
    monitor = made()
    look(monitor, 80, 0)
    assert monitor.best == 0.8
    for step, right in enumerate((50, 60, 55), 1):
        look(monitor, right, step)
    assert (monitor.best, monitor.reached, monitor.stale, monitor.stopped) == (0.8, 0.6, 1, False)
    look(monitor, 60, 4)
    assert monitor.stopped


def test_its_state_comes_back() -> None:
    monitor, again = made(), made()
    look(monitor, 30, 1)
    look(monitor, 20, 2)
    again.load_state_dict(monitor.state_dict())
    assert (again.best, again.reached, again.stale, again.stopped) == (0.3, 0.3, 1, False)
