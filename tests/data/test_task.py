from __future__ import annotations

from typing import Any

import pytest

from vesalius.data.task import PRIMARY, TaskSpec, classification
from vesalius.errors import UserError


def test_two_classes_are_binary() -> None:
    assert classification("t", "x", ["a", "b"]).kind == "binary"
    assert classification("t", "x", ["a", "b", "c"]).kind == "classes"


@pytest.mark.parametrize("kind", PRIMARY)
def test_every_kind_has_a_primary_metric_and_can_be_written_and_read(kind: Any) -> None:
    task = TaskSpec("t", kind, [] if kind == "segmentation" else ["x"], ["a", "b"])  # type: ignore[arg-type]
    assert task.metric == PRIMARY[kind]
    assert TaskSpec(**task.as_dict()) == task
    assert hash(task)


@pytest.mark.parametrize(("kind", "labels"), [("classe", ("x",)), ("classes", ()), ("binary", ("x", "y")), ("segmentation", ("x",))])
def test_an_impossible_task_is_refused(kind: Any, labels: tuple[str, ...]) -> None:
    with pytest.raises(UserError):
        TaskSpec("t", kind, labels)
