"""Validation while fine-tuning: what is best, when to stop, and that a resumed monitor remembers."""

from __future__ import annotations

import pytest
import torch

from tests.tasks.cases import TASKS
from tests.tasks.test_supervised import method
from vesalius.errors import UserError
from vesalius.tasks.supervised import Supervised
from vesalius.tasks.validation import Validation
from vesalius.training.method import Progress


class Seen:
    """Features whose logits are as asked for."""

    def __init__(self, made: Supervised, right: float, count: int = 20) -> None:
        weight = made.head.weight.detach()
        self.truth = (torch.arange(count) % 2).float()
        direction = (weight[1] - weight[0]) / (weight[1] - weight[0]).square().sum()
        said = torch.where(torch.arange(count) < right * count, self.truth, 1 - self.truth) * 2 - 1
        self.vectors = said[:, None] * 30 * direction
        self.labels = {"ill": self.truth}


def at(step: int) -> Progress:
    return Progress(step, 100, step // 10, 10.0, 10)


def test_the_best_is_kept_and_patience_ends_it() -> None:
    made, _, _ = method()
    monitor = Validation(TASKS["binary"], "accuracy", 2, torch.tensor([0.0, 1.0]))
    values = [0.5, 0.8, 0.8, 0.9, 0.6, 0.7, 0.9]
    best, stops, states = [], [], []
    for step, value in enumerate(values):
        found = monitor(lambda split, v=value: Seen(made, v), made, at(step))
        assert found.scalars["accuracy"] == pytest.approx(value)
        best.append(found.best["accuracy"])
        stops.append(found.stop)
        states.append(monitor.state_dict())
    assert best == [True, True, False, True, False, False, False]
    assert stops == [False, False, False, False, False, True, True]
    again = Validation(TASKS["binary"], "accuracy", 2, torch.tensor([0.0, 1.0]))
    again.load_state_dict(states[4])
    assert again(lambda split: Seen(made, 0.7), made, at(5)).stop
    assert {k: float(v) for k, v in again.state_dict().items()} == {k: float(v) for k, v in states[5].items()}


def test_without_patience_it_never_stops_and_less_loss_is_better() -> None:
    made, _, _ = method()
    monitor = Validation(TASKS["binary"], "loss", None, torch.tensor([0.0, 1.0]))
    found = [monitor(lambda split, v=v: Seen(made, v), made, at(i)) for i, v in enumerate((0.9, 0.5, 0.5, 1.0))]
    assert [f.best["loss"] for f in found] == [True, False, False, True]
    assert not any(f.stop for f in found)


def test_a_metric_that_validation_cannot_have_gives_way_to_the_loss() -> None:
    made, _, _ = method()
    monitor = Validation(TASKS["binary"], "", 3, torch.tensor([1.0, 1.0, torch.nan]))
    assert (monitor.asked, monitor.metric, monitor.higher_is_better) == ("roc_auc", "loss", False)
    found = monitor(lambda split: Seen(made, 0.9), made, at(0))
    assert found.warning is not None
    assert "roc_auc is not defined" in found.warning
    assert Validation(TASKS["regression"], "", 3, torch.tensor([2.0, 2.0])).metric == "loss"
    assert Validation(TASKS["regression"], "mean_absolute_error", 3, torch.tensor([2.0, 3.0])).higher_is_better is False
    with pytest.raises(UserError, match="no metric 'auc' for a task of kind binary"):
        Validation(TASKS["binary"], "auc", 3, torch.tensor([0.0, 1.0]))


def test_a_good_start_does_not_end_a_training_that_still_gains() -> None:
    made, _, _ = method()
    monitor = Validation(TASKS["binary"], "accuracy", 2, torch.tensor([0.0, 1.0]))
    found = [monitor(lambda split, v=v: Seen(made, v), made, at(i)) for i, v in enumerate((0.9, 0.5, 0.6, 0.7, 0.8, 0.8, 0.8))]
    assert [f.best["accuracy"] for f in found] == [True, *[False] * 6], "the start is still the best"
    assert [f.stop for f in found] == [False] * 6 + [True]


def test_a_start_that_may_not_be_the_best_gives_way_to_what_comes_after() -> None:
    made, _, _ = method()
    monitor = Validation(TASKS["binary"], "accuracy", None, torch.tensor([0.0, 1.0]), start=False)
    best = [monitor(lambda split, v=value: Seen(made, v), made, at(step)).best["accuracy"] for step, value in enumerate([0.9, 0.7, 0.7, 0.8])]
    assert best == [False, True, False, True]
