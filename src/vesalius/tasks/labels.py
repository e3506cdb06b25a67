"""Labels before they are learnt from: is there enough of them, and what is missing is said."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.errors import UserError


def stacked(columns: Mapping[str, Tensor], task: TaskSpec) -> Tensor:
    """The task's label columns, (N,) or (N, L) for multi-label, NaN unknown."""
    found = [columns[name].float() for name in task.labels]
    return torch.stack(found, 1) if task.kind == "multilabel" else found[0]


def known(labels: Tensor) -> Tensor:
    """(N,) whether anything is known of a sample."""
    return ~labels.isnan() if labels.ndim == 1 else ~labels.isnan().all(1)


def check(task: TaskSpec, labels: Mapping[str, Tensor]) -> list[str]:
    """Sentences about what is missing in ``labels`` (split -> (N,) or (N, L)).

    Raises UserError where training or validation know nothing, or training knows nothing to tell apart.
    """
    said = []
    for split, values in labels.items():
        have = int(known(values).sum())
        if not have and split in ("train", "val"):
            raise UserError(
                f"The {split} split has no image with a known label of {task.name!r}. Label some, name another label "
                "column with --data.labels, or give shares with --data.split.val."
            )
        if have < len(values):
            what = "is left out" if split == "train" else "is not scored"
            said.append(f"{len(values) - have} of {len(values)} {split} images have no label of {task.name!r}; what has none {what}.")
    if task.kind == "regression":
        values = labels["train"][~labels["train"].isnan()]
        if len(values) < 2 or float(values.std(correction=0)) == 0:
            raise UserError(f"All known training values of {task.name!r} are equal, so that nothing can be learnt. Give other labels.")
        return said
    return said + (_columns(task, labels) if task.kind == "multilabel" else _classes(task, labels))


def _classes(task: TaskSpec, labels: Mapping[str, Tensor]) -> list[str]:
    count = {s: torch.bincount(v[~v.isnan()].round().long(), minlength=len(task.classes)) for s, v in labels.items()}
    present = (count["train"] > 0).nonzero()[:, 0].tolist()
    if len(present) < 2:
        only = task.classes[present[0]]
        raise UserError(
            f"All labelled training images are of one class, {only!r}, so that there is nothing to tell apart. Label images of "
            "another class, or divide the data another way (--data.split.seed)."
        )
    said = []
    for split, counted in count.items():
        missing = [task.classes[i] for i in (counted == 0).nonzero()[:, 0].tolist()] if int(counted.sum()) else []
        if missing:
            effect = {"train": "it is never answered", "val": "nothing is chosen by it"}.get(split, "it is not scored")
            said.append(f"No {split} image is of class {', '.join(missing[:6])}; {effect}.")
    return said


def _columns(task: TaskSpec, labels: Mapping[str, Tensor]) -> list[str]:
    said, usable = [], 0
    for split, values in labels.items():
        both = ((values == 0).any(0) & (values == 1).any(0)).tolist()
        usable += sum(both) if split == "train" else 0
        one = [name for name, fine in zip(task.labels, both, strict=True) if not fine]
        if one and bool(known(values).any()):
            said.append(f"In the {split} split {', '.join(one[:6])} {'is' if len(one) == 1 else 'are'} never yes, or never no.")
    if not usable:
        raise UserError(
            f"No label of {task.name!r} is both yes and no among the training images, so that there is nothing to tell apart. "
            "Label more images, or divide the data another way (--data.split.seed)."
        )
    return said
