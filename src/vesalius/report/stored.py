"""The predictions a run stored, as they can be scored again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vesalius.report.reading import RunRecord

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Predictions:
    """``ids`` (N,), ``labels`` (N,) or (N, L) with NaN unknown, ``answers`` (N, outputs): probabilities, or (N, 1) quantities.

    ``subjects`` and ``splits`` (N,), or None where the file does not say.
    """

    ids: Sequence[str]
    labels: torch.Tensor
    answers: torch.Tensor
    subjects: Sequence[str | None] | None
    splits: Sequence[str] | None

    def of(self, split: str) -> Predictions:
        """Those of ``split``; all where the file knows no splits."""
        if self.splits is None or not split:
            return self
        keep = [i for i, one in enumerate(self.splits) if one == split]
        subjects = None if self.subjects is None else [self.subjects[i] for i in keep]
        return Predictions([self.ids[i] for i in keep], self.labels[keep], self.answers[keep], subjects, [split] * len(keep))


def read_predictions(run: RunRecord, split: str = "") -> Predictions | None:
    """The run's ``predictions.parquet`` (id; label or label_0, ...; prob_0, ... or prediction); None when of no use."""
    path = run.path / "predictions.parquet"
    if not path.is_file():
        return None
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
        names = table.column_names
        labels = _numbered(names, "label_") or [name for name in names if name == "label"]
        answers = _numbered(names, "prob_")
        if len(answers) < 2 and not (len(answers) == 1 and labels != ["label"]):
            answers = ["prediction"] if "prediction" in names and "prob_0" not in names else []
        if "id" not in names or not labels or not answers or table.num_rows == 0:
            return None
        known, given = _columns(table, labels), _columns(table, answers)
        found = Predictions(
            ids=[str(v) for v in table["id"].to_pylist()],
            labels=known if labels != ["label"] else known[:, 0],
            answers=given,
            subjects=[None if v is None else str(v) for v in table["subject"].to_pylist()] if "subject" in names else None,
            splits=[str(v) for v in table["split"].to_pylist()] if "split" in names else None,
        ).of(split)
    except (pa.ArrowException, OSError, TypeError, ValueError):
        return None
    return found if len(found.ids) else None


def _numbered(names: Sequence[str], prefix: str) -> list[str]:
    """The columns ``prefix0``, ``prefix1``, ... as far as they go."""
    found: list[str] = []
    while f"{prefix}{len(found)}" in names:
        found.append(f"{prefix}{len(found)}")
    return found


def _columns(table: Any, names: Sequence[str]) -> torch.Tensor:
    """``(N, len(names))``; what is missing is NaN."""
    import torch

    rows = [[float("nan") if v is None else float(v) for v in table[name].to_pylist()] for name in names]
    return torch.tensor(rows, dtype=torch.float32).T.contiguous()
