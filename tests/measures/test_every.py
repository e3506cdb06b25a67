"""All measures at once are what each is alone, and what scikit-learn and torchmetrics make of the same answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from vesalius.measures import belief, bootstrap, metrics, operating
from vesalius.measures.every import NAMES, SENSITIVITY, Sheet, at_thresholds

KINDS = ("classes", "binary", "multilabel")
SINGLY = [name for name in NAMES if name != SENSITIVITY]


def answers(kind: str, rows: int = 200, seed: int = 0, grid: int | None = None, holes: float = 0.0):
    rng = np.random.default_rng(seed)
    if kind == "multilabel":
        labels = (rng.random((rows, 4)) < [0.5, 0.2, 0.1, 0.03]).astype(float)
        shares = 1 / (1 + np.exp(-(rng.normal(size=(rows, 4)) + 1.5 * labels - 1)))
        labels[rng.random(labels.shape) < holes] = np.nan
    else:
        classes = 2 if kind == "binary" else 5
        labels = rng.integers(0, classes, rows).astype(float)
        scores = rng.normal(size=(rows, classes)) + 1.2 * np.eye(classes)[labels.astype(int)]
        shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        labels[rng.random(rows) < holes] = np.nan
    if grid:
        shares = np.round(shares * grid) / grid
    return torch.tensor(labels), torch.tensor(shares)


def sheet(kind, labels, shares, unit=None, names=NAMES, thresholds=None):
    unit = np.arange(len(labels)) if unit is None else unit
    return Sheet(kind, labels, shares, unit, int(unit.max()) + 1, names, thresholds)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), kind=st.sampled_from(KINDS), grid=st.sampled_from([None, 8]), people=st.integers(3, 80))
def test_all_at_once_is_each_alone(seed, kind, grid, people):
    labels, shares = answers(kind, 120, seed, grid, holes=0.1)
    unit = bootstrap.groups(np.random.default_rng(seed).integers(0, people, 120).astype(object), 120)
    count = int(unit.max()) + 1
    weights = next(bootstrap.weights(np.arange(count), 20, seed)).double()
    found, once = sheet(kind, labels, shares, unit, SINGLY).values(weights), sheet(kind, labels, shares, unit, SINGLY).once()
    for name in SINGLY:
        alone = metrics.measure(name, kind, labels, shares, weights[unit]).double()
        assert torch.allclose(found[name], alone, atol=1e-6, equal_nan=True), name
        assert once[name] == pytest.approx(float(metrics.measure(name, kind, labels, shares)[0]), abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_a_weight_is_that_many_copies(name, kind):
    labels, shares = answers(kind, 150, 3, grid=20)
    cuts = at_thresholds(kind, labels, shares, lambda positive, score: operating.at_specificity(positive, score, 0.95))
    times = np.random.default_rng(1).integers(0, 4, 150)
    weighted = sheet(kind, labels, shares, names=[name], thresholds=cuts).values(torch.tensor(times, dtype=torch.float64)[:, None])
    copies = np.repeat(np.arange(150), times)
    assert float(weighted[name][0]) == pytest.approx(sheet(kind, labels[copies], shares[copies], names=[name], thresholds=cuts).once()[name])


@pytest.mark.parametrize("grid", [None, 6])
def test_classes_equal_scikit_learn_and_torchmetrics(grid):
    torchmetrics = pytest.importorskip("torchmetrics.functional.classification")
    labels, shares = answers("classes", 400, 1, grid)
    ours, y, p = sheet("classes", labels, shares).once(), labels.numpy().astype(int), shares.numpy()
    said = p.argmax(1)
    assert ours["f1"] == pytest.approx(peer.f1_score(y, said, average="macro"))
    assert ours["mcc"] == pytest.approx(peer.matthews_corrcoef(y, said))
    assert ours["kappa"] == pytest.approx(peer.cohen_kappa_score(y, said, weights="quadratic"))
    assert ours["brier"] == pytest.approx(((p - np.eye(5)[y]) ** 2).sum(1).mean())
    if grid is None:  # rounded shares are not probabilities, and lie on the bins' borders, which torchmetrics counts up
        assert ours["nll"] == pytest.approx(peer.log_loss(y, p))
        their = torchmetrics.multiclass_calibration_error(shares, labels.long(), 5, n_bins=15, norm="l1")
        assert ours["ece"] == pytest.approx(float(their), abs=1e-6)
    for name, their in (
        ("f1", torchmetrics.multiclass_f1_score(shares, labels.long(), 5, average="macro")),
        ("mcc", torchmetrics.multiclass_matthews_corrcoef(shares, labels.long(), 5)),
        ("kappa", torchmetrics.multiclass_cohen_kappa(shares, labels.long(), 5, weights="quadratic")),
        ("balanced_accuracy", torchmetrics.multiclass_accuracy(shares, labels.long(), 5, average="macro")),
        ("roc_auc", torchmetrics.multiclass_auroc(shares, labels.long(), 5, average="macro")),
        ("pr_auc", torchmetrics.multiclass_average_precision(shares, labels.long(), 5, average="macro")),
    ):
        assert ours[name] == pytest.approx(float(their), abs=1e-5), name


def test_binary_equals_scikit_learn_and_torchmetrics():
    torchmetrics = pytest.importorskip("torchmetrics.functional.classification")
    labels, shares = answers("binary", 300, 2)
    y, p = labels.numpy().astype(int), shares.numpy()[:, 1]
    cut = operating.at_specificity(labels == 1, shares[:, 1], 0.95)
    ours = sheet("binary", labels, shares, thresholds=[cut]).once()
    assert ours["f1"] == pytest.approx(peer.f1_score(y, p > 0.5, average="macro"))
    assert ours["mcc"] == pytest.approx(peer.matthews_corrcoef(y, p > 0.5))
    assert ours["brier"] == pytest.approx(peer.brier_score_loss(y, p))
    assert ours["nll"] == pytest.approx(peer.log_loss(y, p))
    assert ours["ece"] == pytest.approx(float(torchmetrics.binary_calibration_error(torch.tensor(p), torch.tensor(y), n_bins=15)), abs=1e-6)
    assert ours[SENSITIVITY] == pytest.approx(float(torchmetrics.binary_sensitivity_at_specificity(torch.tensor(p), torch.tensor(y), 0.95)[0]))


def test_labels_equal_scikit_learn():
    labels, shares = answers("multilabel", 500, 4)
    ours, y, p = sheet("multilabel", labels, shares).once(), labels.numpy().astype(int), shares.numpy()
    assert ours["f1"] == pytest.approx(peer.f1_score(y, p > 0.5, average="macro"))
    assert ours["brier"] == pytest.approx(((p - y) ** 2).mean())
    assert ours["nll"] == pytest.approx(np.mean([peer.log_loss(y[:, c], p[:, c]) for c in range(4)]))
    assert ours["mcc"] == pytest.approx(np.mean([peer.matthews_corrcoef(y[:, c], p[:, c] > 0.5) for c in range(4)]))
    assert ours["pr_auc"] == pytest.approx(peer.average_precision_score(y, p, average="macro"))


@pytest.mark.parametrize("kind", KINDS)
def test_area_and_accuracy_are_those_of_medmnists_evaluator(kind):
    """Its rule (medmnist.evaluator, getAUC and getACC), restated: the last column of a binary task, each class against the rest, each label."""
    labels, shares = answers(kind, 300, 8)
    y, p = labels.numpy().astype(int), shares.numpy()
    if kind == "binary":
        area, right = peer.roc_auc_score(y, p[:, -1]), np.mean((p[:, -1] > 0.5) == y)
    elif kind == "multilabel":
        area = np.mean([peer.roc_auc_score(y[:, c], p[:, c]) for c in range(4)])
        right = np.mean([np.mean((p[:, c] > 0.5) == y[:, c]) for c in range(4)])
    else:
        area, right = np.mean([peer.roc_auc_score(y == c, p[:, c]) for c in range(5)]), np.mean(p.argmax(1) == y)
    ours = sheet(kind, labels, shares, names=["roc_auc", "accuracy"]).once()
    assert ours == {"roc_auc": pytest.approx(area), "accuracy": pytest.approx(right)}


def test_bins_of_equal_mass_are_what_cutting_the_sorted_answers_gives():
    labels, shares = answers("binary", 15 * 20, 5)
    order = shares[:, 1].argsort()
    gaps = ((labels == 1).double() - shares[:, 1])[order].view(15, 20).mean(1)
    assert sheet("binary", labels, shares).once()["ace"] == pytest.approx(float(gaps.abs().mean()))


@pytest.mark.parametrize("rows", [6000, 20_000])
def test_levels_of_many_answers_change_the_error_of_equal_mass_little(rows, monkeypatch):
    labels, shares = answers("classes", rows, 6)
    coarse = sheet("classes", labels, shares, names=["ace"]).once()["ace"]
    monkeypatch.setattr(belief, "LEVELS", rows)
    assert coarse == pytest.approx(sheet("classes", labels, shares, names=["ace"]).once()["ace"], abs=2e-4)


def test_what_is_calibrated_has_next_to_no_error():
    rng = np.random.default_rng(0)
    shares = torch.tensor(rng.dirichlet(np.ones(4), 100_000))
    labels = (torch.tensor(rng.random((100_000, 1))) > shares.cumsum(1)).sum(1).clamp(max=3).double()
    found = sheet("classes", labels, shares, names=["ece", "ace"]).once()
    assert found["ece"] < 0.01
    assert found["ace"] < 0.01
    positive = shares[:, 0]
    pair = torch.stack([1 - positive, positive], 1)
    assert sheet("binary", (labels == 0).double(), pair, names=["ece"]).once()["ece"] < 0.01


def test_patients_with_one_image_each_are_images():
    labels, shares = answers("classes", 150, 7)
    one_each = bootstrap.groups(np.array([f"p{i}" for i in range(150)], dtype=object), 150)
    for mine, theirs in zip(bootstrap.weights(one_each, 200, 1), bootstrap.weights(bootstrap.groups(None, 150), 200, 1), strict=True):
        a, b = sheet("classes", labels, shares, one_each).values(mine), sheet("classes", labels, shares).values(theirs)
        assert all(torch.equal(a[name], b[name]) or name == SENSITIVITY for name in NAMES)


def test_subjects_weights_are_the_samples_weights():
    subject = np.random.default_rng(0).integers(0, 30, 200)
    subject = np.unique(subject, return_inverse=True)[1]
    of_samples = torch.cat(list(bootstrap.weights(subject, 300, 5)), 1)
    of_subjects = torch.cat(list(bootstrap.weights(np.arange(30), 300, 5)), 1)
    assert torch.equal(of_samples, of_subjects[subject])


def test_what_is_undefined_is_not_a_number():
    one_class = sheet("binary", torch.zeros(6, dtype=torch.float64), torch.full((6, 2), 0.5, dtype=torch.float64)).once()
    for name in ("roc_auc", "pr_auc", "mcc", "kappa", SENSITIVITY):
        assert math.isnan(one_class[name])
    assert one_class["brier"] == pytest.approx(0.25)
    unlabelled = sheet("multilabel", torch.full((4, 2), torch.nan), torch.rand(4, 2)).once()
    assert all(math.isnan(value) for value in unlabelled.values())
