"""The prediction format: one row per image, what was known of it and what the model answers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vesalius.data.task import TaskSpec
from vesalius.files import atomic_write

if TYPE_CHECKING:
    import pandas as pd


def answers(task: TaskSpec, outputs: Tensor) -> dict[str, NDArray[np.float32]]:
    """Columns (n,) of ``outputs`` (n, outputs): ``prob_0``, ``prob_1``, ...: of each class, or label; of a regression ``prediction``."""
    columns = outputs.float().cpu().numpy()
    if task.kind == "regression":
        return {"prediction": columns[:, 0]}
    return {f"prob_{i}": column for i, column in enumerate(columns.T)}


def answers_by_name(task: TaskSpec, outputs: NDArray[np.float32]) -> dict[str, Any]:
    """``(N, outputs)`` as a person reads them: ``prediction``, the likeliest class by name or the quantity, and
    ``prob_NAME`` for each class or label. A multi-label task has no ``prediction``: where yes begins is the user's to say.
    """
    if task.kind == "regression":
        return {"prediction": outputs[:, 0]}
    found = {f"prob_{name}": outputs[:, i] for i, name in enumerate(task.classes)}
    if task.kind == "multilabel":
        return found
    return {"prediction": np.asarray(task.classes, dtype=object)[outputs.argmax(1)], **found}


def frame(
    task: TaskSpec,
    ids: NDArray[np.uint64],
    split: str,
    labels: Tensor,
    outputs: Tensor,
    subjects: NDArray[np.object_] | None,
) -> pd.DataFrame:
    """Rows of one split: id, subject (where subjects are known), split, ``label`` (or ``label_0``, ...), answers.

    Unknown labels are empty.
    ``ids`` and ``subjects`` are (n,), ``labels`` (n,) or (n, labels), ``outputs`` (n, outputs).
    """
    import pandas as pd

    columns: dict[str, Any] = {"id": [f"{int(i):016x}" for i in ids]}
    if subjects is not None:
        columns["subject"] = subjects
    columns["split"] = [split] * len(ids)
    values = labels.double().cpu().numpy()
    if task.kind == "multilabel":
        columns |= {f"label_{i}": _whole(column) for i, column in enumerate(values.T)}
    else:
        columns["label"] = values if task.kind == "regression" else _whole(values)
    return pd.DataFrame({**columns, **answers(task, outputs)})


def write(file: Path, frames: Sequence[pd.DataFrame]) -> None:
    """``frames`` below each other as Parquet."""
    import pandas as pd

    buffer = io.BytesIO()
    pd.concat(frames, ignore_index=True).to_parquet(buffer, index=False)
    atomic_write(file, buffer.getvalue())


def _whole(values: NDArray[np.float64]) -> Any:
    """Class numbers; of a nullable type only where some are unknown, as most readers like the plain one better."""
    import pandas as pd

    if not np.isnan(values).any():
        return values.astype(np.int64)
    return pd.Series(values).astype("Int64")
