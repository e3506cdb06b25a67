from __future__ import annotations

import pytest
import torch

from tests.training.monitors.features import METHOD, TASKS, Toy, after_epochs
from vesalius.errors import UserError
from vesalius.measures import knn as measure
from vesalius.measures import metrics
from vesalius.training.monitors import knn


@pytest.mark.parametrize("kind", ["classes", "binary", "multilabel"])
def test_it_reports_what_the_measures_say_and_keeps_the_best(kind):
    toy, task = Toy(kind), TASKS[kind]
    seen = knn.build(knn.Config(k=5), "knn", task, 0)
    finding = seen(toy, METHOD, after_epochs(1))
    train, val = toy.splits["train"], toy.splits["val"]
    labels = [torch.stack([s.labels[n] for n in task.labels], 1).squeeze(1).float() for s in (train, val)]
    shares = measure.predict(val.vectors, train.vectors, labels[0], len(task.classes), k=5)
    assert finding.scalars == metrics.evaluate(kind, labels[1], shares)
    assert finding.scalars["accuracy"] > 0.6
    assert finding.best == {seen.metric: True}
    assert seen(toy, METHOD, after_epochs(2)).best == {seen.metric: False}


def test_a_resumed_monitor_remembers_its_best():
    toy, first, second = Toy(), *(knn.build(knn.Config(), "knn", TASKS["classes"], 0) for _ in range(2))
    first(toy, METHOD, after_epochs(1))
    second.load_state_dict(first.state_dict())
    assert second(toy, METHOD, after_epochs(2)).best == {"accuracy": False}


def test_it_needs_labels():
    with pytest.raises(UserError, match="'knn' needs labelled images"):
        knn.build(knn.Config(), "knn", None, 0)
