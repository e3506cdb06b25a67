"""Losses against plain loops and torch's own; unknown labels count for nothing, in value and gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from vesalius.tasks import losses


def test_classes_weighted() -> None:
    logits, labels = torch.randn(6, 3), torch.tensor([0.0, 2, 1, torch.nan, 1, 0])
    weights = torch.tensor([0.5, 2.0, 1.0])
    slow = [0.0 if math.isnan(y) else -float(weights[int(y)] * row.log_softmax(0)[int(y)]) for row, y in zip(logits, labels.tolist())]
    torch.testing.assert_close(losses.classes(logits, labels, weights), torch.tensor(slow))


def test_multilabel_is_the_mean_over_what_is_known() -> None:
    logits = torch.randn(4, 3)
    labels = torch.tensor([[0, 1, 1], [1, torch.nan, 0], [torch.nan] * 3, [0, 0, torch.nan]])
    found = losses.multilabel(logits, labels, None)
    for i in range(4):
        known = ~labels[i].isnan()
        each = F.binary_cross_entropy_with_logits(logits[i][known], labels[i][known], reduction="none")
        assert float(found[i]) == pytest.approx(float(each.mean()) if known.any() else 0.0)


@pytest.mark.parametrize("kind", ["classes", "multilabel", "regression"])
def test_the_unknown_has_no_gradient(kind: str) -> None:
    outputs = {"classes": 3, "multilabel": 2, "regression": 1}[kind]
    logits = torch.randn(5, outputs, requires_grad=True)
    labels = torch.zeros(5, 2) if kind == "multilabel" else torch.zeros(5)
    labels[2] = torch.nan
    torch.autograd.backward(losses.of(kind, logits, labels, None).sum())  # type: ignore[arg-type]
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert [bool(row.any()) for row in logits.grad] == [True, True, False, True, True]


def test_regression_is_half_the_square() -> None:
    out, y = torch.randn(4, 1), torch.randn(4)
    torch.testing.assert_close(losses.regression(out, y), 0.5 * F.mse_loss(out[:, 0], y, reduction="none"))


def test_balancing_gives_each_class_the_same_say_and_a_sample_one_on_average() -> None:
    labels = torch.tensor([0.0] * 80 + [1.0] * 15 + [2.0] * 5 + [torch.nan] * 9)
    weights, missing = losses.balancing(labels, "classes", 4)
    known = labels[~labels.isnan()].long()
    each = torch.stack([weights[known][known == c].sum() for c in range(3)])
    torch.testing.assert_close(each, each[:1].expand(3))
    assert float(weights[known].mean()) == pytest.approx(1.0)
    assert (missing, float(weights[3])) == ([3], 0.0)
    many = torch.tensor([[1, 0], [0, 0], [0, torch.nan], [0, 0]])
    weights, missing = losses.balancing(many, "multilabel", 2)
    torch.testing.assert_close(weights[0], torch.tensor([2 / 3, 2.0]))
    assert (missing, weights[1].tolist()) == ([1], [1.0, 0.0])


def test_a_label_may_lie_between_no_and_yes() -> None:
    """The loss of a soft target is that of both answers in its proportion, balanced or not; never a truncated label."""
    logits, soft = torch.randn(5, 2), torch.tensor([0.7, 0.0, 1.0, 0.2, torch.nan])
    no, yes = torch.zeros(5), torch.ones(5)
    share = soft.nan_to_num()
    for weights in (None, torch.tensor([0.3, 1.7])):
        both = (1 - share) * losses.classes(logits, no, weights) + share * losses.classes(logits, yes, weights)
        torch.testing.assert_close(losses.classes(logits, soft, weights)[:4], both[:4])
        many = None if weights is None else weights.expand(2, 2)
        pair, hard = soft[:, None].expand(5, 2), [losses.multilabel(logits, value.expand(2, 5).T, many) for value in (no, yes)]
        torch.testing.assert_close(losses.multilabel(logits, pair, many)[:4], ((1 - share) * hard[0] + share * hard[1])[:4])
