from __future__ import annotations

import numpy as np
import torch
from sklearn import metrics

from vesalius.measures import curves


def drawn(count: int = 90) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    positive = torch.rand(count, generator=generator) > 0.6
    score = (positive + torch.randn(count, generator=generator)).round(decimals=1)  # ties
    return positive, score


def test_the_points_are_those_of_scikit_learn() -> None:
    positive, score = drawn()
    false, true = curves.roc(positive, score)
    theirs = metrics.roc_curve(positive.numpy(), score.numpy(), drop_intermediate=False)
    np.testing.assert_allclose([false, true], theirs[:2], atol=1e-12)
    recall, precision = curves.precision_recall(positive, score)
    its_precision, its_recall, _ = metrics.precision_recall_curve(positive.numpy(), score.numpy())
    np.testing.assert_allclose(recall, its_recall[:-1][::-1], atol=1e-12)
    np.testing.assert_allclose(precision, its_precision[:-1][::-1], atol=1e-12)


def test_thinned_keeps_the_ends_and_the_area() -> None:
    generator = torch.Generator().manual_seed(3)
    positive = torch.rand(5000, generator=generator) > 0.5
    score = positive + torch.randn(5000, generator=generator)
    false, true = curves.roc(positive, score)
    assert len(false) <= 200
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert abs(np.trapezoid(true, false) - metrics.roc_auc_score(positive.numpy(), score.numpy())) < 0.005


def test_one_class_has_no_roc() -> None:
    score = torch.rand(5)
    assert curves.roc(torch.ones(5, dtype=torch.bool), score) == ([], [])
    assert curves.precision_recall(torch.zeros(5, dtype=torch.bool), score) == ([], [])
    assert curves.roc(torch.zeros(0, dtype=torch.bool), score[:0]) == ([], [])


def test_confusion() -> None:
    labels = torch.tensor([0.0, 0, 1, 2, torch.nan])
    shares = torch.eye(3)[[0, 1, 1, 0, 2]]
    assert curves.confusion(labels, shares).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
