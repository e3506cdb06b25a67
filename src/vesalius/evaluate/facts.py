"""What the labelled data of a run are, in numbers, for ``results.json``."""

from __future__ import annotations

from typing import Any

from vesalius.data.dataset import DataSet
from vesalius.data.subjects import UNKNOWN
from vesalius.evaluate.labelled import SPLITS


def labelled_facts(data: DataSet) -> dict[str, Any]:
    """Name, task, counts by split, how it was divided, what was left out, warnings, licence."""
    table = data.table
    return {
        "name": data.public,
        "task": table.require_task().as_dict(),
        "counts": {split: _counts(data, split) for split in SPLITS},
        "split_by": table.split_by or "source",
        "left_out": len(data.store.left_out),
        "warnings": list(table.warnings),
        "licence": table.licence,
    }


def caveats(data: DataSet) -> list[str]:
    """What every result on ``data`` must be read with: that people may be on both sides."""
    return [f"Of {data.public}: {text}" for text in data.table.warnings if text.startswith(UNKNOWN)]


def _counts(data: DataSet, split: str) -> dict[str, Any]:
    """Images, subjects (None where unknown), images of each class (or with each label; none of a regression)."""
    task = data.table.require_task()
    rows = data.rows(split)
    labels, subjects = data.labels(rows), data.table.subjects
    if task.kind == "multilabel":
        per_class = [int((labels[name] == 1).sum()) for name in task.labels]
    else:
        per_class = [int((labels[task.labels[0]] == c).sum()) for c in range(len(task.classes))]
    people = None if subjects is None else len({s for s in subjects[data.table_rows(rows)] if s is not None})
    return {"images": len(rows), "subjects": people, "per_class": per_class}
