from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from tests.training.monitors.features import TASKS, Split, after_epochs
from vesalius import registry
from vesalius.data.task import TaskSpec
from vesalius.errors import UserError
from vesalius.training import monitor
from vesalius.training.monitor import Interval, Record


@pytest.mark.parametrize("fields", [{}, {"epochs": 1, "steps": 1}, {"epochs": 0}, {"steps": -1}, {"minutes": 3}])
def test_an_interval_is_epochs_or_steps(fields):
    with pytest.raises(ValidationError):
        Interval(**fields)


@pytest.mark.parametrize(
    ("interval", "due"),
    [
        (Interval(epochs=2), [0, 20, 40]),
        (Interval(steps=15), [0, 15, 30, 45]),
        (Interval(epochs=0.5), [*range(0, 50, 5)]),
    ],
)
def test_when_an_interval_is_due(interval, due):
    assert [step for step in range(50) if interval.due(after_epochs(step / 10))] == due
    assert interval.due(after_epochs(100))


def test_the_record_keeps_the_best_and_never_nan():
    up, down, later = Record(True), Record(False), after_epochs(1)
    assert not up.improves(9.0, after_epochs(0))
    values = [float("nan"), 1.0, 1.0, 2.0, float("nan"), 1.5]
    assert [up.improves(v, later) for v in values] == [False, True, False, True, False, False]
    assert [down.improves(v, later) for v in (2.0, 3.0, 1.0)] == [True, False, True]


def test_tasks_without_classes_are_refused_in_one_sentence():
    with pytest.raises(UserError, match="needs labelled images"):
        monitor.kind_of(None, "knn")
    with pytest.raises(UserError, match="regression"):
        monitor.kind_of(TaskSpec("age", "regression", ("age",)), "knn")
    assert monitor.kind_of(TaskSpec("grade", "ordinal", ("grade",), ("0", "1", "2")), "knn") == "classes"


def test_targets_have_a_column_per_label_only_for_multilabel():
    nan = torch.nan
    first, second = torch.tensor([1.0, nan, 0]), torch.tensor([nan, nan, 1.0])
    split = Split(torch.zeros(3, 2), {"first": first, "second": second, "sick": torch.ones(3)})
    both = monitor.target(split, TASKS["multilabel"])
    assert both.shape == (3, 2)
    assert monitor.labelled(both).tolist() == [True, False, True]
    assert monitor.target(split, TASKS["binary"]).shape == (3,)


def test_every_monitor_has_a_config_and_is_built_alike():
    for name in ("linear", "knn", "spread", "lidar"):
        module = registry.entry("monitors", name)
        built = module.build(module.Config(), "mine", TASKS["classes"], 0)
        assert isinstance(built, monitor.Monitor)
        assert built.name == "mine"
        assert next(iter(monitor.criteria(built).items())) == ("best-mine", built.metric)


def test_further_criteria_are_named_after_the_monitor():
    module = registry.entry("monitors", "spread")
    built = module.build(module.Config(), "spread-2", None, 0)
    assert monitor.criteria(built) == {"best-spread-2": "rankme", "best-spread-2-alpha_req": "alpha_req"}
