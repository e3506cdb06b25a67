from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tests.evaluate.made import Drawn
from vesalius.errors import UserError
from vesalius.evaluate.fitting import folds
from vesalius.evaluate.protocols import linear
from vesalius.measures import logistic, metrics

LARGE = (700, 200, 150)
FEW = linear.Config(strengths=12)


def peer(x, y, c, standardise=True):
    scaler = StandardScaler().fit(x) if standardise else None
    move = scaler.transform if scaler is not None else (lambda rows: rows)
    model = LogisticRegression(C=c, tol=1e-9, max_iter=5000).fit(move(x), y)
    return lambda rows: model.predict_proba(move(rows))


def test_the_strength_of_least_validation_loss_is_fitted_again_to_both_and_answers_once():
    pair = Drawn(counts=LARGE)
    found = linear.measure(linear.Config(), pair)
    train, val, test = (pair.features(name).numpy() for name in ("train", "val", "test"))
    y, z = pair.split("train").labels.numpy(), pair.split("val").labels.numpy()
    strengths = logistic.grid()
    losses = [-np.log(peer(train, y, c)(val)[np.arange(len(z)), z.astype(int)]).mean() for c in strengths[10:35:2]]
    assert found.facts["c_of_repeats"][0] in strengths
    at = strengths.index(found.facts["c"])
    assert abs(at - (10 + 2 * int(np.argmin(losses)))) <= 2
    again = peer(np.concatenate([train, val]), np.concatenate([y, z]), found.facts["c"])
    np.testing.assert_allclose(found.answers[0].numpy(), again(test), atol=2e-3)
    assert len(found.answers) == len(found.choosing) == 3
    assert found.facts["converged"]
    assert found.facts["tried"] < 45


def test_the_answers_it_is_calibrated_by_are_of_a_fit_without_them():
    pair = Drawn(counts=LARGE)
    found = linear.measure(linear.Config(c=0.01), pair)
    alone = peer(pair.features("train").numpy(), pair.split("train").labels.numpy(), 0.01)(pair.features("val").numpy())
    held = found.choosing[0]
    assert bool(held[: LARGE[0]].isnan().all())
    np.testing.assert_allclose(held[LARGE[0] :].numpy(), alone, atol=2e-3)


def test_a_small_set_chooses_on_folds_and_every_sample_is_held_out_once():
    pair = Drawn()
    found = linear.measure(FEW, pair)
    assert found.answers.shape == (5, 90, 3)
    assert found.choosing.shape == (5, 300, 3)
    assert not bool(found.choosing.isnan().any())


def test_the_original_takes_the_largest_strength_of_the_best_measure_without_standardising():
    pair = Drawn(counts=LARGE, compat="ssl-medicalimaging", apart=4)
    found = linear.measure(linear.Config(), pair)
    assert len(found.answers) == 1
    assert not found.facts["standardised"]
    assert found.facts["chosen_by"] == "accuracy"
    x, y = pair.features("train"), pair.split("train").labels
    strengths = logistic.grid(45, 1e-5, 1e6)
    scores = {}
    for probe in logistic.path(x, y, strengths, classes=3, standardise=False):
        scores[probe.c] = float(metrics.measure("accuracy", "classes", pair.split("val").labels, probe.probabilities(pair.features("val")).float())[0])
    largest = max(c for c in strengths if scores[c] == max(scores.values()))
    assert found.facts["c"] == largest


@pytest.mark.parametrize(("kind", "classes"), [("binary", 2), ("multilabel", 3), ("ordinal", 4)])
def test_every_kind_of_task_is_learnt(kind, classes, monkeypatch):
    monkeypatch.setattr(folds, "repeats", lambda pair: 1)
    pair = Drawn(kind, classes, apart=2.5)
    found = linear.measure(FEW, pair)
    assert found.answers.shape == (1, 90, classes)
    score = metrics.measure("roc_auc", pair.kind, pair.split("test").labels, found.answers[0])
    assert float(score[0]) > 0.85


def test_classes_that_a_plane_separates_are_fitted_and_the_end_of_the_grid_is_said(monkeypatch):
    monkeypatch.setattr(folds, "repeats", lambda pair: 1)
    pair = Drawn(counts=(200, 60, 60), apart=60)
    found = linear.measure(FEW, pair)
    assert bool(found.answers.isfinite().all())
    assert float(metrics.measure("accuracy", "classes", pair.split("test").labels, found.answers[0])[0]) == 1
    if found.facts["c"] == logistic.grid()[-1]:
        assert "highest end of the grid" in found.facts["note"]


def test_noise_lies_at_the_end_of_the_strongest_penalty_and_says_so():
    pair = Drawn(apart=0, counts=LARGE, dim=60)
    facts = linear.measure(FEW, pair).facts
    assert facts["c"] < 1e-3
    if facts["c"] == logistic.grid()[0]:
        assert "lowest end" in facts["note"]


def test_features_that_are_not_finite_and_one_class_are_one_paragraph():
    pair = Drawn()
    pair._vectors["train"][3, 2] = torch.nan
    with pytest.raises(UserError, match="1 of 300 feature vectors of drawn on clouds are not finite"):
        linear.measure(linear.Config(), pair)
    single = Drawn()
    for split in single._splits.values():
        split.labels.zero_()
    with pytest.raises(UserError, match="at least two classes"):
        linear.measure(linear.Config(), single)


def test_a_class_of_one_subject_cannot_be_chosen_by():
    pair = Drawn("binary", 2, counts=(60, 20, 20))
    for name in ("train", "val"):
        pair.split(name).labels.zero_()
    pair.split("train").labels[:2] = 1  # both are of subject 0
    with pytest.raises(UserError, match="too few subjects to be on both sides"):
        linear.measure(linear.Config(), pair)


def test_a_given_strength_is_fitted_once():
    found = linear.measure(linear.Config(c=0.5), Drawn())
    assert found.facts["c_of_repeats"] == [0.5]
    assert found.facts["chosen_by"] == "given"
    assert folds.FOLDS == 5
