"""One cell judged: every measure of its answers, with replicates over the test split's subjects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from vesalius.evaluate.measured import Measured, Value
from vesalius.evaluate.pair import Pair
from vesalius.measures import bootstrap, metrics


@dataclass(frozen=True, eq=False)
class Judged:
    """A cell's ``values`` by measure, the one it is compared by (``metric``) among them; ``n`` samples of ``units`` subjects or images
    were scored.
    """

    metric: str
    values: Mapping[str, Value]
    n: int
    units: int
    unit: str
    measured: Measured


def judged(found: Measured, pair: Pair) -> Judged:
    """What ``found`` is worth: its own values, and each measure of its answers, the mean over its repeats."""
    test = pair.split("test")
    groups = test.groups
    values = dict(found.values)
    if found.answers is not None:
        for name in (pair.task.metric, *(n for n in metrics.NAMES if n != pair.task.metric)):
            values[name] = _value(name, found, pair)
    metric = pair.task.metric if found.answers is not None else next(iter(values))
    unit = "images" if pair.data.table.subjects is None else "subjects"
    return Judged(metric, values, len(test), int(groups.max()) + 1, unit, found)


def _value(name: str, found: Measured, pair: Pair) -> Value:
    test = pair.split("test")
    assert found.answers is not None
    each = [found.answers[repeat].cpu() for repeat in range(len(found.answers))]
    alone = torch.stack([metrics.measure(name, pair.kind, test.labels, one)[0] for one in each])
    parts = []
    for block in bootstrap.weights(test.groups, pair.asked.replicates, pair.asked.seed):
        parts.append(torch.stack([metrics.measure(name, pair.kind, test.labels, one, block).double() for one in each]).mean(0))
    return Value(float(alone.mean()), torch.cat(parts), alone if len(each) > 1 else None)
