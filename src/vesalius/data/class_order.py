"""The kind of a table's task, and the order of its classes, where the user knows better than the values say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vesalius.data.schema import is_number
from vesalius.data.table import SampleTable
from vesalius.data.task import Kind, TaskSpec
from vesalius.errors import UserError

_OF_CLASSES = ("classes", "binary", "ordinal")


def as_told(table: SampleTable, kind: Kind | None, classes: Sequence[str] | None) -> SampleTable:
    """``table`` with its task of ``kind`` and its classes in the order of ``classes``, least first; None leaves it.

    Raises UserError where the labels are not of that kind, or ``classes`` are not theirs.
    """
    task = table.require_task()
    if classes is not None:
        table = _ordered(table, task, tuple(str(name) for name in classes))
        task = table.require_task()
    if kind is None or kind == task.kind:
        return table
    if kind not in _OF_CLASSES or task.kind not in _OF_CLASSES or (kind == "binary" and len(task.classes) != 2):
        said = f"{len(task.classes)} classes" if task.classes and task.kind != "multilabel" else f"of kind {task.kind}"
        raise UserError(
            f"The label {task.name!r} of {table.source} cannot be of kind {kind!r}: it is {said}. Leave --data.kind out, or name "
            "another label column."
        )
    values = table.targets()
    if kind == "ordinal" and bool((values[~np.isnan(values)] % 1 != 0).any()):
        raise UserError(f"The label {task.name!r} has soft targets, which have no order. Leave --data.kind out, or give --data.uncertain zeros or ones.")
    out = table.with_columns()
    out.task = TaskSpec(task.name, kind, task.labels, task.classes)
    if kind == "ordinal" and classes is None and not all(is_number(name) for name in task.classes):
        out.warnings.append(
            f"The order of the classes is taken as {' < '.join(task.classes)}; say another with --data.classes, least first."
        )
    return out


def _ordered(table: SampleTable, task: TaskSpec, classes: tuple[str, ...]) -> SampleTable:
    if task.kind not in _OF_CLASSES or sorted(classes) != sorted(task.classes):
        have = ", ".join(task.classes) or "none"
        raise UserError(
            f"--data.classes names {', '.join(classes)}, but the classes of {task.name!r} are {have}. Name each of them once, least first."
        )
    (label,) = task.labels
    to = np.array([classes.index(name) for name in task.classes], np.float64)
    codes = table.labels(label)
    known = ~np.isnan(codes)
    moved = np.full(len(codes), np.nan)
    moved[known] = to[codes[known].astype(int)]
    out = table.with_columns(**{f"label.{label}": moved})
    out.task = TaskSpec(task.name, task.kind, task.labels, classes, task.metric)
    out.class_names = {**table.class_names, label: list(classes)}
    return out
