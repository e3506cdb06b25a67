from __future__ import annotations

import pytest
import torch

from vesalius.errors import UserError
from vesalius.tasks.scoring import check, every, higher_is_better, measure, measured, names


def test_each_kind_has_its_measures() -> None:
    assert "quadratic_kappa" in names("ordinal")
    assert "quadratic_kappa" not in names("classes")
    assert "r2" in names("regression")
    assert [measured(kind) for kind in ("multilabel", "binary", "classes", "ordinal")] == ["multilabel", "binary", "classes", "classes"]  # type: ignore[arg-type]


def test_what_is_better() -> None:
    assert higher_is_better("accuracy")
    assert not higher_is_better("loss")
    assert not higher_is_better("mean_absolute_error")
    assert not higher_is_better("feature_error@map")


def test_another_metric_is_refused_with_those_there_are() -> None:
    assert check("loss", "classes") == "loss"
    with pytest.raises(UserError, match="accuracy"):
        check("r2", "classes")


def test_unlabelled_samples_count_for_nothing() -> None:
    outputs = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
    labels = torch.tensor([0.0, 1.0, torch.nan])
    assert every("classes", labels, outputs)["accuracy"] == 1
    assert all(value != value for value in every("classes", torch.full((3,), torch.nan), outputs).values())
    weights = torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 5.0]])
    assert measure("accuracy", "classes", torch.tensor([0.0, 0.0, 1.0]), outputs, weights).tolist() == pytest.approx([1 / 3, 1 / 6])
