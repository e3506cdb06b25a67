from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from vesalius.recipes.finetune_job import SPLITS, Job


def test_only_records_with_a_label_are_learnt_from() -> None:
    job: Any = SimpleNamespace(rows={"train": np.array([4, 7, 9])}, labels={"train": torch.tensor([1.0, torch.nan, 0.0])})
    learnt = Job.learnt.fget  # type: ignore[attr-defined]
    assert getattr(learnt, "__wrapped__", learnt)(job).tolist() == [4, 9]
    assert SPLITS == ("train", "val", "test")
