"""Thresholds against scikit-learn's ROC curve, rates against counting, replicates against repeated samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score, roc_curve

from vesalius.measures import curves, operating


@pytest.fixture(params=[0, 1, 2])
def drawn(request: pytest.FixtureRequest) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(request.param)
    positive = rng.random(300) < 0.3
    score = (rng.normal(size=300) + positive).round(1)  # with ties
    return torch.from_numpy(positive), torch.from_numpy(score)


def test_youden_is_the_highest_point_above_the_diagonal(drawn: tuple[torch.Tensor, torch.Tensor]) -> None:
    positive, score = drawn
    false, true, _ = roc_curve(positive, score, drop_intermediate=False)
    found = operating.rates(positive, score, operating.youden(positive, score))
    assert float(found["sensitivity"] + found["specificity"] - 1) == pytest.approx((true - false).max())


@pytest.mark.parametrize("wanted", [0.5, 0.9, 0.95, 1.0])
def test_the_highest_threshold_that_is_sensitive_enough(drawn: tuple[torch.Tensor, torch.Tensor], wanted: float) -> None:
    positive, score = drawn
    threshold = operating.at_sensitivity(positive, score, wanted)
    assert float(operating.rates(positive, score, threshold)["sensitivity"]) >= wanted
    higher = score[score > threshold].min() + 0.05
    assert float(operating.rates(positive, score, float(higher))["sensitivity"]) < wanted
    assert not bool(torch.isin(score, torch.tensor(threshold, dtype=score.dtype)).any()) or wanted == 1.0


def test_rates_are_counts_and_weights_are_repeated_samples(drawn: tuple[torch.Tensor, torch.Tensor]) -> None:
    positive, score = drawn
    times = torch.randint(0, 4, (300, 2), generator=torch.Generator().manual_seed(0))
    weighted = operating.rates(positive, score, 0.45, times.double())
    for column in range(2):
        p, s = (part.repeat_interleave(times[:, column]) for part in (positive, score))
        said = s >= 0.45
        tp, fp, fn, tn = (int(x.sum()) for x in (p & said, ~p & said, p & ~said, ~p & ~said))
        expected = {"sensitivity": tp / (tp + fn), "specificity": tn / (tn + fp), "ppv": tp / (tp + fp), "npv": tn / (tn + fn), "accuracy": (tp + tn) / len(p)}
        assert {name: float(values[column]) for name, values in weighted.items()} == pytest.approx(expected)


def test_one_class_has_no_threshold_and_no_answers_no_predictive_value() -> None:
    score = torch.tensor([0.1, 0.9])
    assert np.isnan(operating.youden(torch.tensor([True, True]), score))
    assert np.isnan(operating.at_sensitivity(torch.tensor([False, False]), score, 0.9))
    assert operating.rates(torch.tensor([True, False]), score, 2.0)["ppv"].isnan().all()


def test_the_curve_of_each_replicate(drawn: tuple[torch.Tensor, torch.Tensor]) -> None:
    positive, score = drawn
    times = torch.randint(0, 4, (300, 3), generator=torch.Generator().manual_seed(1))
    times[:, 2] = torch.where(positive, 1, 0)  # no negative: no curve
    at = torch.linspace(0, 1, 2001)
    found = curves.roc_replicates(positive, score, times.double(), at)
    for column in range(2):
        p, s = (part.repeat_interleave(times[:, column]).numpy() for part in (positive, score))
        area = float(torch.trapezoid(found[:, column], at.double()))
        assert area == pytest.approx(roc_auc_score(p, s), abs=2e-3)
    assert found[:, 2].isnan().all()
