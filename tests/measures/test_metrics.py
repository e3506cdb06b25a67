from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from vesalius.measures import metrics


def multiclass(seed: int, rows: int = 150, classes: int = 4, grid: int | None = None):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows)
    scores = rng.normal(size=(rows, classes)) + 1.0 * np.eye(classes)[labels]
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    if grid:  # many ties
        shares = np.round(shares * grid) / grid
    return torch.tensor(labels, dtype=torch.float64), torch.tensor(shares)


@pytest.mark.parametrize("grid", [None, 5])
def test_multiclass_equals_scikit_learn(grid):
    labels, shares = multiclass(0, grid=grid)
    ours = metrics.evaluate("classes", labels, shares)
    y, p = labels.numpy(), shares.numpy()
    one_hot = np.eye(4)[y.astype(int)]
    assert ours["accuracy"] == pytest.approx(peer.accuracy_score(y, p.argmax(1)))
    assert ours["balanced_accuracy"] == pytest.approx(peer.balanced_accuracy_score(y, p.argmax(1)))
    assert ours["roc_auc"] == pytest.approx(peer.roc_auc_score(one_hot, p, average="macro"))
    assert ours["pr_auc"] == pytest.approx(peer.average_precision_score(one_hot, p, average="macro"))


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), rows=st.integers(2, 60), steps=st.integers(1, 8))
def test_binary_areas_equal_scikit_learn_with_ties(seed, rows, steps):
    rng = np.random.default_rng(seed)
    labels, score = rng.integers(0, 2, rows), rng.integers(0, steps + 1, rows) / steps
    shares = torch.tensor(np.stack([1 - score, score], 1))
    ours = metrics.evaluate("binary", torch.tensor(labels, dtype=torch.float64), shares)
    if labels.min() == labels.max():
        assert math.isnan(ours["roc_auc"])
        assert math.isnan(ours["pr_auc"])
        return
    assert ours["roc_auc"] == pytest.approx(peer.roc_auc_score(labels, score))
    assert ours["pr_auc"] == pytest.approx(peer.average_precision_score(labels, score))
    precision, recall, _ = peer.precision_recall_curve(labels, score)
    trapezoid = metrics.area_under_pr_by_trapezoids(torch.tensor(labels == 1), torch.tensor(score))
    assert trapezoid == pytest.approx(peer.auc(recall, precision))


@pytest.mark.parametrize("name", metrics.NAMES)
@pytest.mark.parametrize("kind", ["classes", "binary", "multilabel"])
def test_a_weight_is_that_many_copies(name, kind):
    rng = np.random.default_rng(3)
    labels, shares = multiclass(1, rows=80, classes=2 if kind == "binary" else 3, grid=7)
    if kind == "multilabel":
        labels = torch.tensor(rng.choice([0, 1, np.nan], (80, 3)))
    weights = torch.tensor(rng.integers(0, 3, (80, 6)), dtype=torch.float64)
    weighted = metrics.measure(name, kind, labels, shares, weights)
    for column in range(6):
        copies = torch.repeat_interleave(torch.arange(80), weights[:, column].long())
        assert float(weighted[column]) == pytest.approx(
            float(metrics.measure(name, kind, labels[copies], shares[copies])[0])
        )


def test_single_precision_weights_are_exact_enough():
    labels, shares = multiclass(2, rows=3000, classes=2)
    weights = torch.poisson(torch.ones(3000, 4), generator=torch.Generator().manual_seed(0))
    for name in metrics.NAMES:
        torch.testing.assert_close(
            metrics.measure(name, "binary", labels, shares, weights).double(),
            metrics.measure(name, "binary", labels, shares, weights.double()),
            atol=1e-5,
            rtol=0,
        )


def test_unknown_labels_are_left_out():
    labels, shares = multiclass(4)
    holes = labels.clone()
    holes[::3] = torch.nan
    kept = ~holes.isnan()
    assert metrics.evaluate("classes", holes, shares) == metrics.evaluate("classes", labels[kept], shares[kept])


def test_multilabel_is_the_mean_over_labels_that_are_defined():
    rng = np.random.default_rng(5)
    labels, shares = rng.integers(0, 2, (90, 3)).astype(float), rng.random((90, 3))
    labels[:, 1] = 0  # one class present: its areas are undefined
    ours = metrics.evaluate("multilabel", torch.tensor(labels), torch.tensor(shares))
    areas = [peer.roc_auc_score(labels[:, c], shares[:, c]) for c in (0, 2)]
    assert ours["roc_auc"] == pytest.approx(np.mean(areas))
    assert ours["accuracy"] == pytest.approx(((shares > 0.5) == labels).mean())
    assert torch.equal(metrics.predictions("multilabel", torch.tensor(shares)), torch.tensor((shares > 0.5) * 1.0))


def test_nothing_labelled_is_nan():
    labels = torch.full((6,), torch.nan)
    assert all(math.isnan(v) for v in metrics.evaluate("classes", labels, torch.rand(6, 3)).values())


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999))
def test_areas_know_only_the_order_and_flip_with_the_sign(seed):
    rng = np.random.default_rng(seed)
    positive = torch.tensor(np.concatenate([[True, False], rng.random(30) < 0.4]))
    score, ones = torch.tensor(rng.normal(size=32)), torch.ones(32, 1, dtype=torch.float64)
    area = metrics.area_under_roc(positive, score, ones)
    torch.testing.assert_close(metrics.area_under_roc(positive, score.exp(), ones), area)
    torch.testing.assert_close(metrics.area_under_roc(positive, -score, ones), 1 - area)
    torch.testing.assert_close(metrics.area_under_roc(~positive, score, ones), 1 - area)
    constant = metrics.average_precision(positive, torch.zeros(32), ones)
    torch.testing.assert_close(constant, positive.double().mean()[None])
