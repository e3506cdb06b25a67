from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_calibration_error

from vesalius.measures import calibration


def sample(rows: int, classes: int = 4, scale: float = 1.0, seed: int = 0):
    """Logits, and labels drawn from the probabilities these logits stand for when divided by ``scale``."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(rows, classes)) * 1.5
    shares = np.exp(true) / np.exp(true).sum(1, keepdims=True)
    labels = (shares.cumsum(1) < rng.random((rows, 1))).sum(1).clip(0, classes - 1)
    return torch.tensor(true * scale), torch.tensor(labels, dtype=torch.float64)


def test_expected_error_equals_torchmetrics():
    logits, labels = sample(4000, scale=2.5)
    answers = calibration.answers("classes", labels, logits.softmax(1))
    peer = multiclass_calibration_error(logits.softmax(1), labels.long(), num_classes=4, n_bins=15, norm="l1")
    assert calibration.expected_error(*answers) == pytest.approx(float(peer), abs=1e-6)


def test_bins_hold_every_answer_once():
    logits, labels = sample(500)
    labels[::5] = torch.nan
    confidence, correct = calibration.answers("classes", labels, logits.softmax(1))
    bins = calibration.reliability(confidence, correct, 10)
    assert sum(b.count for b in bins) == 400
    assert sum(b.count * b.accuracy for b in bins) == pytest.approx(float(correct.sum()))
    assert all(i / 10 - 0.1 <= b.confidence <= 1 for i, b in enumerate(bins))
    sure = calibration.reliability(torch.ones(3), torch.tensor([1.0, 1.0, 0.0]))
    assert [(b.confidence, b.count) for b in sure] == [(1.0, 3)]
    assert sure[0].accuracy == pytest.approx(2 / 3)


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.0])
def test_temperature_undoes_the_scale_and_calibrates(scale):
    logits, labels = sample(20_000, scale=scale)
    found = calibration.temperature("classes", logits, labels)
    assert found == pytest.approx(scale, rel=0.05)
    cooled = calibration.answers("classes", labels, (logits / found).softmax(1))
    assert calibration.expected_error(*cooled) < 0.015


def test_temperature_of_multilabel_logits():
    rng = np.random.default_rng(0)
    true = torch.tensor(rng.normal(size=(20_000, 2)) * 2)
    labels = (torch.tensor(rng.random((20_000, 2))) < true.sigmoid()).double()
    labels[::3, 1] = torch.nan
    assert calibration.temperature("multilabel", true * 2, labels) == pytest.approx(2, rel=0.05)
    confidence, correct = calibration.answers("multilabel", labels, true.sigmoid())
    assert len(confidence) == int((~labels.isnan()).sum())
    assert float(confidence.min()) >= 0.5
    assert calibration.expected_error(confidence, correct) < 0.015


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999))
def test_temperature_minimises_the_log_loss(seed):
    logits, labels = sample(60, seed=seed)
    found = calibration.temperature("classes", logits, labels)

    def loss(t):
        return float(torch.nn.functional.cross_entropy(logits / t, labels.long()))

    assert loss(found) <= min(loss(found * 1.05), loss(found / 1.05)) + 1e-12


def test_nothing_known_is_nan_and_leaves_logits_alone():
    nothing = torch.full((3,), torch.nan)
    assert math.isnan(calibration.expected_error(*calibration.answers("classes", nothing, torch.rand(3, 2))))
    assert calibration.temperature("classes", torch.rand(3, 2), nothing) == 1.0
