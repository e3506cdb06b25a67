from __future__ import annotations

import pytest
import torch
from sklearn import metrics as theirs

from vesalius.measures import decisions

LABELS = torch.tensor([0.0, 0, 1, 1, 2, 2, 2, 0])
PROBABILITIES = torch.softmax(torch.randn(8, 3, generator=torch.Generator().manual_seed(0)), 1)
ANSWERS = PROBABILITIES.argmax(1)


def sums(weights: torch.Tensor) -> torch.Tensor:
    return decisions.columns(LABELS, PROBABILITIES).T @ weights


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("accuracy", theirs.accuracy_score),
        ("balanced_accuracy", theirs.balanced_accuracy_score),
        ("f1", lambda y, x: theirs.f1_score(y, x, average="macro")),
        ("mcc", theirs.matthews_corrcoef),
        ("kappa", lambda y, x: theirs.cohen_kappa_score(y, x, weights="quadratic")),
    ],
)
def test_each_is_as_scikit_learn_has_it_and_weights_are_repetitions(name: str, other: object) -> None:
    weights = torch.tensor([[1.0] * 8, [2.0, 1, 0, 3, 1, 1, 2, 1]]).T
    found = getattr(decisions, name)(sums(weights))
    for column in range(2):
        times = weights[:, column].long()
        y, x = LABELS.repeat_interleave(times), ANSWERS.repeat_interleave(times)
        assert float(found[column]) == pytest.approx(other(y.numpy(), x.numpy()), abs=1e-6)  # type: ignore[operator]


def test_one_class_of_labels_has_no_correlation() -> None:
    one = decisions.columns(torch.zeros(3), torch.softmax(torch.rand(3, 2), 1)).T @ torch.ones(3, 1)
    assert bool(decisions.mcc(one).isnan().all())
