"""The labelled samples that probes are fitted to, chosen by and scored on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.errors import UserError
from vesalius.measures import bootstrap
from vesalius.measures.metrics import Kind

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Labelled:
    """One split's labelled samples: their ``rows`` in the split as given, ``labels`` and ``subject`` numbers."""

    rows: Tensor
    labels: Tensor
    subject: NDArray[np.int64]
    names: NDArray[np.object_] | None


def labelled_splits(
    labels: Sequence[Tensor], subjects: Sequence[NDArray[np.object_] | None], task: TaskSpec
) -> Mapping[str, Labelled]:
    """The samples with a known label of each of ``SPLITS``. Raises UserError where a split has none."""
    found = {}
    for split, values, names in zip(SPLITS, labels, subjects, strict=True):
        values = values.float().cpu()
        rows = (~values.isnan() if values.ndim == 1 else ~values.isnan().all(1)).nonzero()[:, 0]
        if not len(rows):
            raise UserError(
                f"The {split} split of the monitoring data has no sample with a known label of {task.name!r}, so that "
                f"encoders cannot be examined. Label some, give shares for the split, or set examine: false."
            )
        kept = None if names is None else names[rows.numpy()]
        found[split] = Labelled(rows, values[rows], bootstrap.groups(kept, len(rows)), kept)
    return found


def measured_kind(task: TaskSpec) -> Kind:
    """The task as the measures know it. Raises UserError for a regression or a segmentation."""
    if task.kind == "regression" or task.kind == "segmentation":  # one by one, which narrows the type
        raise UserError(
            f"The examination measures classes, and {task.name!r} is a {task.kind}. Name another task, or set "
            f"examine: false."
        )
    return "classes" if task.kind == "ordinal" else task.kind


def majority(labels: Tensor, kind: Kind, classes: int, count: int) -> Tensor:
    """(count, outputs): the shares of the training labels, the same for every sample."""
    if kind == "multilabel":
        return labels.nanmean(0).nan_to_num().expand(count, -1)
    share = torch.bincount(labels.round().long(), minlength=classes).float()
    return (share / share.sum()).expand(count, -1)
