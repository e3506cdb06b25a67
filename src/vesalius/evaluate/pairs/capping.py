"""Some of a large data set: a seeded, stratified draw of whole subjects."""

from __future__ import annotations

import numpy as np
import torch

from vesalius.data.table import SampleTable
from vesalius.evaluate.fitting.fractions import nested
from vesalius.measures import bootstrap
from vesalius.measures.metrics import Kind


def capped(table: SampleTable, most: int, seed: int) -> SampleTable:
    """At most about ``most`` rows of ``table``: each part of its split keeps its share, each class its share of the part, to one subject.

    A smaller draw of one seed lies inside every larger one. The table says in ``rows_meant`` what was drawn.
    """
    if len(table) <= most:
        return table
    parts = table.frame["split"].fillna("").to_numpy() if "split" in table.frame else np.full(len(table), "")
    labelled = table.task is not None and table.task.kind not in ("regression", "segmentation")
    targets = torch.from_numpy(table.targets()) if labelled else torch.zeros(len(table), 1)
    kind: Kind = "multilabel" if table.task is not None and table.task.kind == "multilabel" else "classes"
    subject = bootstrap.groups(table.subjects, len(table))
    keep = np.zeros(len(table), bool)
    for part in np.unique(parts):
        rows = np.flatnonzero(parts == part)
        labels = targets[torch.from_numpy(rows)]
        _, groups = np.unique(subject[rows], return_inverse=True)
        needed = nested(labels if kind == "multilabel" else labels[:, 0].nan_to_num(-1), kind, groups, seed, 0)
        keep[rows[needed <= most / len(table)]] = True
    out = table.subset(keep)
    said = f"{len(out):,} of {len(table):,} images, drawn by whole subjects"
    out.rows_meant = f"{table.rows_meant}; {said}" if table.rows_meant else said
    return out
