"""Ordered classes: probabilities against differences of sigmoids, fits against what made the labels, order respected."""

from __future__ import annotations

import torch

from tests.tasks.cases import features
from vesalius.measures import logistic, proportional_odds


def test_probabilities_are_differences_of_sigmoids() -> None:
    score, cuts = torch.linspace(-4, 4, 50, dtype=torch.float64), torch.tensor([-1.0, 0.2, 2.5], dtype=torch.float64)
    above = torch.sigmoid(score[:, None] - cuts)
    slow = torch.stack([1 - above[:, 0], above[:, 0] - above[:, 1], above[:, 1] - above[:, 2], above[:, 2]], 1)
    found = proportional_odds.log_probabilities(score, cuts).exp()
    torch.testing.assert_close(found, slow)
    torch.testing.assert_close(found.sum(1), torch.ones(50, dtype=torch.float64))
    two = proportional_odds.log_probabilities(score, cuts[:1]).exp()
    torch.testing.assert_close(two[:, 1], torch.sigmoid(score + 1.0))


def test_far_scores_and_near_thresholds_stay_finite() -> None:
    score = torch.tensor([-300.0, 0.0, 300.0], requires_grad=True)
    gaps = torch.tensor([-30.0], requires_grad=True)
    logs = proportional_odds.log_probabilities(score, proportional_odds.thresholds(torch.tensor(0.0), gaps))
    assert logs.isfinite().all()
    torch.autograd.backward(logs.sum())
    assert score.grad is not None
    assert score.grad.isfinite().all()
    assert gaps.grad is not None
    assert gaps.grad.isfinite().all()


def test_thresholds_increase() -> None:
    cuts = proportional_odds.thresholds(torch.tensor(-3.0), torch.tensor([-2.0, 0.0, 4.0]))
    assert (cuts.diff() > 0).all()


def test_a_fit_finds_the_score_and_little_strength_the_shares() -> None:
    x, y = features("ordinal", 2000)
    weak, *_, strong = proportional_odds.path(x, y, logistic.grid(8, 1e-6, 1e3), 4)
    shares = torch.bincount(y.long()).double() / len(y)
    torch.testing.assert_close(weak.log_probabilities(x).exp().mean(0), shares, atol=0.01, rtol=0)
    weights = strong.weights * x.double().std(0)
    assert abs(float(weights[0] / weights[1]) + 2) < 0.3, "the score was 2 x0 - x1"
    assert float(weights[2:].abs().max()) < 0.2 * float(weights[0])
    assert (strong.log_probabilities(x).argmax(1) == y).double().mean() > 0.6


def test_the_gradient_at_the_solution_is_zero() -> None:
    x, y = features("ordinal", 300)
    (found,) = proportional_odds.path(x, y, [0.1], 4)
    scale = x.double().std(0, correction=0)
    centred = (x.double() - x.double().mean(0)) / scale
    weights = (found.weights * scale).requires_grad_(True)
    first = (found.first - x.double().mean(0) @ found.weights).requires_grad_(True)
    gaps = found.gaps.clone().requires_grad_(True)
    logs = proportional_odds.log_probabilities(centred @ weights, proportional_odds.thresholds(first, gaps))
    loss = torch.nn.functional.nll_loss(logs, y.long()) + weights.square().sum() / (2 * 0.1 * 300)
    for gradient in torch.autograd.grad(loss, [weights, first, gaps]):
        assert float(gradient.abs().max()) < 1e-4
