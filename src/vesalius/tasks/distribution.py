"""How the answers for many images are distributed: how many of each class, how sure, or which quantities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesalius.data.task import TaskSpec

_BINS = 20


def distribution(task: TaskSpec, outputs: NDArray[np.float32]) -> dict[str, Any]:
    """Of ``(N, outputs)`` probabilities, or (N, 1) quantities, in numbers that name no image.

    ``classes``: name and ``count`` of images given it; of a multi-label task those above one half, and the ``mean``
    probability. ``histogram``: ``counts`` in equal bins from ``low`` to ``high`` of the highest probability, or of the
    quantity between its outermost finite values; ``of`` says which.
    """
    found: dict[str, Any] = {"images": len(outputs)}
    if task.kind == "regression":
        return {**found, "of": "quantity", "histogram": _histogram(outputs[:, 0])}
    if task.kind == "multilabel":
        rows = [{"name": n, "count": int((p > 0.5).sum()), "mean": float(p.mean()) if len(p) else None} for n, p in zip(task.classes, outputs.T)]
        return {**found, "classes": rows}
    counts = np.bincount(outputs.argmax(1), minlength=len(task.classes)) if len(outputs) else np.zeros(len(task.classes), np.int64)
    rows = [{"name": name, "count": int(n)} for name, n in zip(task.classes, counts)]
    sure = outputs.max(1) if len(outputs) else outputs[:, 0]
    return {
        **found,
        "of": "highest probability",
        "classes": rows,
        "sure": float((sure >= 0.9).mean()) if len(sure) else None,
        "histogram": _histogram(sure, 1 / len(task.classes), 1.0),
    }


def _histogram(values: NDArray[np.float32], low: float | None = None, high: float | None = None) -> dict[str, Any]:
    finite = values[np.isfinite(values)].astype(np.float64)
    if not len(finite):
        return {}
    low, high = (float(finite.min()) if low is None else low), (float(finite.max()) if high is None else high)
    counts, _ = np.histogram(finite.clip(low, high), _BINS, (low, high))
    return {"low": low, "high": high, "counts": counts.tolist()}
