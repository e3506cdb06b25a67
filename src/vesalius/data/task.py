"""What is to be predicted from a table: which label columns, of which kind, judged by which metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from vesalius.errors import UserError

Kind = Literal["classes", "binary", "multilabel", "ordinal", "regression", "segmentation"]

PRIMARY: Mapping[Kind, str] = {
    "classes": "accuracy",
    "binary": "roc_auc",
    "multilabel": "roc_auc",
    "ordinal": "accuracy",
    "regression": "r2",
    "segmentation": "dice",
}
"""The metric by which the best of several models is chosen, unless a task names another."""


@dataclass(frozen=True)
class TaskSpec:
    """A named view of a table's labels.

    ``labels`` are names of label columns without the prefix ``label.``: one, or several for ``multilabel``.
    ``classes`` are the names of a column's values 0, 1, ... (``classes``, ``binary``, ``ordinal``), the names of the
    columns (``multilabel``), of the values of label volumes (``segmentation``, whose labels lie in the column ``mask``) or
    empty (``regression``). ``metric`` is the primary one.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    classes: tuple[str, ...] = ()
    metric: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise UserError(
                f"The task {self.name!r} is of the unknown kind {self.kind!r}. Choose one of"
                f" {', '.join(get_args(Kind))}."
            )
        if self.kind == "segmentation":
            if self.labels:
                raise UserError(f"The task {self.name!r} segments: its labels are label volumes, not the columns {', '.join(self.labels)}.")
        elif not self.labels or (self.kind != "multilabel" and len(self.labels) > 1):
            raise UserError(
                f"The task {self.name!r} of kind {self.kind!r} names {len(self.labels)} label columns. Give one column,"
                " or the kind 'multilabel' for several."
            )
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "classes", tuple(self.classes))
        if not self.metric:
            object.__setattr__(self, "metric", PRIMARY[self.kind])

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain lists and strings, for a table's metadata or a run's results."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def classification(name: str, label: str, classes: Sequence[str]) -> TaskSpec:
    """One column of class numbers: ``binary`` for two classes, else ``classes``."""
    return TaskSpec(name, "binary" if len(classes) == 2 else "classes", (label,), tuple(classes))
