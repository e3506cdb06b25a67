from __future__ import annotations

import pytest
import torch
from sklearn import metrics as theirs

from vesalius.measures import belief

LABELS = torch.tensor([0.0, 1, 1, 0, 1])
P = torch.tensor([0.2, 0.9, 0.6, 0.4, 0.3], dtype=torch.float64)
BOTH = torch.stack([1 - P, P], 1)


def test_squared_and_logarithmic_errors_are_those_of_scikit_learn() -> None:
    sums = belief.columns(LABELS, BOTH).T @ torch.ones(5, 1, dtype=torch.float64)
    assert float(belief.brier(sums)[0]) == pytest.approx(theirs.brier_score_loss(LABELS.numpy(), P.numpy()))
    assert float(belief.nll(sums)[0]) == pytest.approx(theirs.log_loss(LABELS.numpy(), P.numpy()))


def test_what_came_true_as_often_as_claimed_is_believed() -> None:
    p = torch.full((4,), 0.75, dtype=torch.float64)
    sums = belief.columns(torch.tensor([1.0, 1, 1, 0]), torch.stack([1 - p, p], 1)).T @ torch.ones(4, 1, dtype=torch.float64)
    assert float(belief.ece(sums)[0]) == pytest.approx(0, abs=1e-9)
    wrong = belief.columns(torch.zeros(4), torch.stack([1 - p, p], 1)).T @ torch.ones(4, 1, dtype=torch.float64)
    assert float(belief.ece(wrong)[0]) == pytest.approx(0.75)


def test_of_two_columns_the_claim_is_class_one_and_of_more_the_answer() -> None:
    sure, true = belief.sureness(LABELS, BOTH)
    torch.testing.assert_close(sure, P)
    assert true.tolist() == LABELS.tolist()
    sure, true = belief.sureness(torch.tensor([2.0]), torch.tensor([[0.5, 0.2, 0.3]]))
    assert (float(sure), float(true)) == (0.5, 0.0)


def test_levels_are_places_among_different_claims() -> None:
    assert belief.levels(torch.tensor([0.3, 0.1, 0.3, 0.9])).tolist() == [1, 0, 1, 2]
    assert int(belief.levels(torch.rand(10_000, dtype=torch.float64)).max()) < belief.LEVELS
