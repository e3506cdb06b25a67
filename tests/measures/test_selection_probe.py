from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

from vesalius.measures import selection_probe
from vesalius.measures.selection_probe import HeldOut


def pool(n: int, seed: int, classes: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    vectors = rng.normal(size=(n, 6)) + 1.2 * np.eye(6)[labels]
    return torch.from_numpy(vectors.astype(np.float32)), torch.from_numpy(labels.astype(np.float32))


def test_a_probe_on_the_chosen_is_scikit_learns() -> None:
    (x, y), (tx, ty) = pool(200, 0), pool(300, 1)
    rows = np.arange(40)
    found = selection_probe.judged(x, y, rows, [np.arange(s, s + 40) for s in (40, 80, 120)], HeldOut.of(tx, ty), "binary", 2, replicates=200)
    scale = StandardScaler().fit(x[:40])
    theirs = LogisticRegression(C=0.1, tol=1e-6).fit(scale.transform(x[:40]), y[:40]).predict_proba(scale.transform(tx))
    by = {one.metric: one for one in found}
    assert by["roc_auc"].value == pytest.approx(roc_auc_score(ty, theirs[:, 1]), abs=1e-4)
    assert by["balanced_accuracy"].value == pytest.approx(balanced_accuracy_score(ty, theirs.argmax(1)), abs=0.01)
    auc = by["roc_auc"]
    assert auc.least <= auc.random <= auc.greatest
    assert auc.difference == pytest.approx(auc.value - auc.random)
    assert auc.low < auc.value < auc.high
    assert auc.difference_low < auc.difference < auc.difference_high
    assert (auc.seeds, auc.n, auc.units, auc.labels) == (3, 300, 300, 40)


def test_a_selection_of_one_class_knows_nothing() -> None:
    (x, y), (tx, ty) = pool(200, 0), pool(300, 1)
    ones = np.flatnonzero(y.numpy() == 1)[:10]
    found = selection_probe.judged(x, y, ones, [np.arange(10), np.arange(10, 20)], HeldOut.of(tx, ty), "binary", 2, replicates=50)
    assert [one.value for one in found] == [0.5, 0.5]
    assert found[0].difference < 0


def test_units_are_drawn_whole_and_unknown_labels_are_not_tested() -> None:
    (x, y), (tx, ty) = pool(200, 0, 3), pool(300, 1, 3)
    ty[:30] = torch.nan
    test = HeldOut.of(tx, ty, np.arange(300) // 10)
    assert (len(test.labels), int(test.unit.max()) + 1) == (270, 27)
    found = selection_probe.judged(x, y, np.arange(40), [np.arange(40, 80)], test, "classes", 3, replicates=300)
    single = selection_probe.judged(x, y, np.arange(40), [np.arange(40, 80)], HeldOut.of(tx, ty), "classes", 3, replicates=300)
    assert found[0].metric == "accuracy"
    assert found[0].value == single[0].value
    assert found[0].units == 27


def test_the_same_seed_gives_the_same_intervals() -> None:
    (x, y), (tx, ty) = pool(200, 0), pool(100, 1)
    made = [selection_probe.judged(x, y, np.arange(30), [np.arange(30, 60)], HeldOut.of(tx, ty), "binary", 2, replicates=50, seed=4) for _ in range(2)]
    assert made[0] == made[1]
