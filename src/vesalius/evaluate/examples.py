"""Test images worth looking at: a map, neighbours of some of them, and the surest mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vesalius import random
from vesalius.evaluate.labelled import Labelled
from vesalius.measures import knn, map2d
from vesalius.measures.metrics import Kind

_MISTAKES, _NEIGHBOURS = 40, 6


def examples(
    test: Labelled,
    vectors: Tensor,
    encoders: Mapping[str, Tensor],
    probabilities: Tensor,
    kind: Kind,
    *,
    ids: NDArray[np.uint64],
    items: int,
    queries: int,
    seed: int,
) -> tuple[dict[str, Any], NDArray[np.int64]]:
    """``examples.json`` without its sprite, and the row of the test split (as given) that each item shows.

    At most ``items``: the surest mistakes, and others by chance. ``vectors`` (N, D) make the map, ``encoders`` the
    neighbours of ``queries`` items among the items, ``probabilities`` (N, outputs) the answers. Multi-label samples
    have no single label or answer.
    """
    single = kind != "multilabel"
    confidence, answer = probabilities.max(1)
    wrong = (answer != test.labels).nonzero()[:, 0] if single else torch.zeros(0, dtype=torch.int64)
    mistakes = wrong[confidence[wrong].argsort(descending=True, stable=True)][:_MISTAKES]
    shuffled = torch.from_numpy(random.permutation(random.digest64("examples", seed), 0, len(ids)))
    others = shuffled[~torch.isin(shuffled, mistakes)][: max(0, items - len(mistakes))]
    chosen = torch.cat([mistakes, others])[:items].sort().values
    position = {int(row): number for number, row in enumerate(chosen)}
    drawn = map2d.tsne(vectors[chosen.to(vectors.device)], seed=seed)
    shown = [
        {
            "id": f"{int(ids[row]):016x}",
            "label": int(test.labels[row]) if single else None,
            "subject": None if test.names is None or test.names[row] is None else str(test.names[row]),
            "split": "test",
            "xy": [round(float(v), 4) for v in drawn.xy[number]],
            "prediction": int(answer[row]) if single else None,
            "confidence": round(float(confidence[row]), 4) if single else None,
        }
        for row, number in position.items()
    ]
    errors = [
        {
            "item": position[int(row)],
            "prediction": int(answer[row]),
            "label": int(test.labels[row]),
            "confidence": round(float(confidence[row]), 4),
        }
        for row in mistakes
        if int(row) in position
    ]
    content = {
        "items": shown,
        "neighbours": _neighbours(encoders, chosen, _queries(test.labels[chosen], kind, queries)),
        "mistakes": errors,
        "map_method": drawn.method,
    }
    return content, test.rows[chosen].numpy()


def _queries(labels: Tensor, kind: Kind, queries: int) -> list[int]:
    """Items in turn from each class, so that rare classes are asked about as often as common ones."""
    if kind == "multilabel":
        return list(range(min(queries, len(labels))))
    turn = np.zeros(len(labels), np.int64)
    for c in sorted(set(labels.tolist())):
        members = (labels == c).numpy()
        turn[members] = np.arange(members.sum())
    return [int(item) for item in np.lexsort((labels.numpy(), turn))[:queries]]


def _neighbours(encoders: Mapping[str, Tensor], chosen: Tensor, queries: list[int]) -> list[dict[str, Any]]:
    """For each query the items nearest to it, by encoder."""
    if len(chosen) < 2 or not queries:
        return []
    rows: list[dict[str, Any]] = [{"query": q} for q in queries]
    for name, vectors in encoders.items():
        among = vectors[chosen.to(vectors.device)].float()
        index, _ = knn.neighbours(among, among, _NEIGHBOURS, exclude_self=True)
        for row, q in zip(rows, queries, strict=True):
            row[name] = index[q].tolist()
    return rows
