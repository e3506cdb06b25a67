"""The head that is solved for: as good as scikit-learn's logistic regression, for every kind, with unknown labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tests.tasks.cases import TASKS, features
from vesalius.measures import logistic
from vesalius.tasks import fitting, scoring


@pytest.mark.parametrize("kind", TASKS)
def test_it_learns_what_can_be_learnt(kind: str) -> None:
    task = TASKS[kind]
    x, y = features(kind, 600)
    found = fitting.fit(task, (x[:400], y[:400]), (x[400:500], y[400:500]))
    with torch.no_grad():
        answers = found.head.probabilities(found.head(x[500:]))
    value = float(scoring.measure(task.metric, task.kind, y[500:], answers)[0])
    assert value > {"binary": 0.9, "classes": 0.65, "multilabel": 0.8, "ordinal": 0.55, "regression": 0.7}[kind]
    assert found.strength == min(found.tried, key=lambda row: row["val_loss"])["c"]
    losses = [row["val_loss"] for row in found.tried]
    assert losses[0] > min(losses)


@pytest.mark.parametrize("kind", ["binary", "classes"])
def test_as_good_as_scikit_learn(kind: str) -> None:
    x, y = features(kind, 900, 20)
    parts = (slice(0, 300), slice(300, 600), slice(600, 900))
    scaler = StandardScaler().fit(x[parts[0]].double().numpy())
    sets = [(scaler.transform(x[p].double().numpy()), y[p].long().numpy()) for p in parts]

    def loss(model: LogisticRegression, part: int) -> float:
        shares = model.predict_proba(sets[part][0])
        return float(-np.log(shares[np.arange(len(shares)), sets[part][1]]).mean())

    models = [LogisticRegression(C=c, max_iter=2000).fit(*sets[0]) for c in logistic.grid(fitting.POINTS, 1e-6, 1e3)]
    best = min(models, key=lambda model: loss(model, 1))
    found = fitting.fit(TASKS[kind], (x[parts[0]], y[parts[0]]), (x[parts[1]], y[parts[1]]))
    assert min(row["val_loss"] for row in found.tried) == pytest.approx(loss(best, 1), rel=2e-3)
    with torch.no_grad():
        shares = found.head(x[parts[2]]).softmax(1).numpy()
    np.testing.assert_allclose(shares, best.predict_proba(sets[2][0]), atol=0.01)


@pytest.mark.parametrize("kind", TASKS)
def test_unknown_labels_are_as_if_they_were_not_there(kind: str) -> None:
    x, y = features(kind, 200)
    y = y.clone()
    y[::5] = torch.nan
    known = ~(y.isnan() if y.ndim == 1 else y.isnan().all(1))
    one = fitting.fit(TASKS[kind], (x, y), (x, y))
    two = fitting.fit(TASKS[kind], (x[known], y[known]), (x[known], y[known]))
    assert all(torch.equal(a, b) for a, b in zip(one.head.state_dict().values(), two.head.state_dict().values()))


def test_balanced_finds_the_rare_class() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2000, 4, generator=generator)
    y = (x[:, 0] + torch.randn(2000, generator=generator) > 2.2).float()
    assert 0.03 < float(y.mean()) < 0.1
    recall = {}
    for balanced in (False, True):
        head = fitting.fit(TASKS["binary"], (x[:1500], y[:1500]), (x[1500:], y[1500:]), balanced=balanced).head
        with torch.no_grad():
            answers = head(x[1500:]).argmax(1)
        recall[balanced] = float((answers[y[1500:] == 1] == 1).float().mean())
    assert recall[True] > recall[False] + 0.3


def test_a_class_that_validation_lacks() -> None:
    x, y = features("classes", 300)
    keep = y[200:] != 2
    found = fitting.fit(TASKS["classes"], (x[:200], y[:200]), (x[200:][keep], y[200:][keep]))
    with torch.no_grad():
        assert (found.head(x).argmax(1) == 2).any()
