from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from vesalius.errors import UserError
from vesalius.measures import logistic


def digits(classes: int = 10, rows: int = 500):
    x, y = load_digits(return_X_y=True)
    keep = y < classes
    return x[keep][:rows], y[keep][:rows].astype(float)


def peer(x, y, c, balanced=False):
    return LogisticRegression(C=c, tol=1e-10, max_iter=20_000, class_weight="balanced" if balanced else None).fit(x, y)


def fit(x, y, c, **options):
    return next(logistic.path(torch.tensor(x), torch.tensor(y), [c], tolerance=1e-10, **options))


@pytest.mark.parametrize("c", [1e-4, 1e-2, 1.0])
@pytest.mark.parametrize("balanced", [False, True])
def test_softmax_equals_scikit_learn(c, balanced):
    x, y = digits()
    scaled = StandardScaler().fit_transform(x)
    ours, theirs = fit(x, y, c, balanced=balanced), peer(scaled, y, c, balanced)
    assert ours.converged
    np.testing.assert_allclose(ours.probabilities(torch.tensor(x)).numpy(), theirs.predict_proba(scaled), atol=2e-5)


def test_coefficients_equal_scikit_learns_without_standardisation():
    x, y = digits(3)
    ours, theirs = fit(x, y, 1e-3, standardise=False), peer(x, y, 1e-3)
    np.testing.assert_allclose(ours.weights.numpy().T, theirs.coef_, atol=1e-6)
    # A softmax knows intercepts up to a common number only.
    np.testing.assert_allclose(ours.bias - ours.bias.mean(), theirs.intercept_ - theirs.intercept_.mean(), atol=1e-5)


@pytest.mark.parametrize("balanced", [False, True])
def test_two_classes_are_one_sigmoid_as_in_scikit_learn(balanced):
    x, y = digits(2)
    y[:100] = 0  # not separable, not balanced
    ours, theirs = fit(x, y, 0.01, standardise=False, kind="binary", balanced=balanced), peer(x, y, 0.01, balanced)
    np.testing.assert_allclose(ours.weights.numpy().T, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.probabilities(torch.tensor(x)).numpy(), theirs.predict_proba(x), atol=1e-6)


@pytest.mark.parametrize("balanced", [False, True])
def test_each_label_of_many_equals_its_own_fit_on_what_is_known(balanced):
    x, y = digits(4)
    labels = np.stack([y == 0, y >= 2, (y == 3) | (np.arange(len(y)) % 7 == 0)], 1).astype(float)
    labels[::3, 0], labels[1::4, 2] = np.nan, np.nan
    ours = fit(x, labels, 0.1, standardise=False, kind="multilabel", balanced=balanced)
    shares = ours.probabilities(torch.tensor(x)).numpy()
    for column in range(3):
        known = ~np.isnan(labels[:, column])
        theirs = peer(x[known], labels[known, column], 0.1, balanced)
        np.testing.assert_allclose(shares[:, column], theirs.predict_proba(x)[:, 1], atol=2e-5)


def test_fewer_samples_than_dimensions_are_exact_too():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(25, 200)), np.arange(25) % 3.0
    ours, theirs = fit(x, y, 0.1, standardise=False), peer(x, y, 0.1)
    np.testing.assert_allclose(ours.weights.numpy().T, theirs.coef_, atol=1e-7)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 999), c=st.sampled_from([1e-3, 0.1, 3.0]), kind=st.sampled_from(["classes", "multilabel"]))
def test_the_gradient_vanishes_at_the_solution(seed, c, kind):
    rng = np.random.default_rng(seed)
    x = torch.tensor(rng.normal(size=(40, 6)) * rng.uniform(0.1, 10, 6) + 5)
    y = torch.tensor(np.arange(40) % 3.0 if kind == "classes" else rng.integers(0, 2, (40, 2)).astype(float))
    probe = next(logistic.path(x, y, [c], kind=kind, standardise=False, tolerance=1e-11))
    weights, bias = probe.weights.clone().requires_grad_(), probe.bias.clone().requires_grad_()
    z = x @ weights + bias
    if kind == "classes":
        loss = torch.nn.functional.cross_entropy(z, y.long(), reduction="sum")
    else:
        loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="sum")
    (c * loss + (weights**2).sum() / 2).backward()
    assert float(weights.grad.abs().max()) < 1e-6
    assert float(bias.grad.abs().max()) < 1e-6


def test_the_path_ends_where_single_fits_end():
    x, y = digits(rows=300)
    strengths = logistic.grid(7, 1e-5, 1e1)
    together = list(logistic.path(torch.tensor(x), torch.tensor(y), strengths, tolerance=1e-9))
    for c, probe in zip(strengths, together):
        alone = fit(x, y, c)
        torch.testing.assert_close(probe.weights, alone.weights, atol=1e-4, rtol=1e-3)
        assert probe.c == c
    norms = [float(p.weights.norm()) for p in together]
    assert norms == sorted(norms)


def test_single_precision_gives_the_same_answer():
    x, y = digits()
    exact = fit(x, y, 0.01)
    single = next(logistic.path(torch.tensor(x).float(), torch.tensor(y), [0.01], dtype=torch.float32))
    shares = exact.probabilities(torch.tensor(x)), single.probabilities(torch.tensor(x)).double()
    assert float((shares[0] - shares[1]).abs().max()) < 5e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_ends_where_the_gradient_is_a_share_of_that_without_weights(dtype):
    x, y = digits()
    x = StandardScaler().fit_transform(x)
    start = np.abs(x.T @ (np.eye(10)[y.astype(int)] - 0.1)).max() / len(x)
    for probe in logistic.path(torch.tensor(x), torch.tensor(y), logistic.grid(9), standardise=False, relative=True, tolerance=1e-4, dtype=dtype):
        wrong = probe.probabilities(torch.tensor(x).to(dtype)).double().numpy() - np.eye(10)[y.astype(int)]
        gradient = x.T @ wrong / len(x) + probe.weights.double().numpy() / (probe.c * len(x))
        assert np.abs(gradient).max() <= 1.1e-4 * start
        assert probe.converged


def test_where_it_starts_changes_the_time_and_not_the_solution():
    x, y = digits(rows=300)
    cold = fit(x, y, 1.0)
    near = next(logistic.path(torch.tensor(x), torch.tensor(y), [0.5], tolerance=1e-10))
    warm = next(logistic.path(torch.tensor(x), torch.tensor(y), [1.0], tolerance=1e-10, start=near))
    torch.testing.assert_close(warm.weights, cold.weights, atol=1e-6, rtol=1e-5)
    assert warm.iterations < cold.iterations
    again = next(logistic.path(torch.tensor(x), torch.tensor(y), [1.0], tolerance=1e-8, start=cold))
    assert again.iterations == 0


def test_what_rounding_stops_in_single_precision_is_finished_in_double():
    x, y = digits(rows=300)
    probe = next(logistic.path(torch.tensor(x), torch.tensor(y), [1.0], tolerance=1e-7, dtype=torch.float32))
    exact = fit(x, y, 1.0)
    assert probe.converged
    torch.testing.assert_close(probe.weights.double(), exact.weights, atol=2e-4, rtol=1e-3)


def test_blocks_of_samples_add_up(monkeypatch):
    x, y = digits(rows=300)
    whole = fit(x, y, 0.1)
    monkeypatch.setattr(logistic, "_BLOCK", 37)
    torch.testing.assert_close(fit(x, y, 0.1).weights, whole.weights, atol=1e-8, rtol=1e-8)


def test_the_grid_is_dinov2s():
    points = logistic.grid()
    assert len(points) == 45
    np.testing.assert_allclose(points, 10 ** np.linspace(-6, 5, 45), rtol=1e-6)


def test_selection_takes_the_lowest_validation_loss():
    x, y = digits(rows=600)
    train, val = (torch.tensor(x[:300]), torch.tensor(y[:300])), (torch.tensor(x[300:]), torch.tensor(y[300:]))
    probes = list(logistic.path(*train, logistic.grid(8, 1e-6, 1e3)))
    losses = [log_loss(val[1], p.probabilities(val[0]).numpy(), labels=range(10)) for p in probes]
    chosen = logistic.search(probes, *val)
    assert chosen is probes[int(np.argmin(losses))]
    assert 0 < probes.index(chosen) < 7
    assert logistic.log_loss(chosen, *val) == pytest.approx(min(losses))
    assert logistic.search([probes[0]] * 3, *val) is probes[0]


def test_patience_ends_the_path_without_changing_the_choice():
    x, y = digits(rows=600)
    train, val = (torch.tensor(x[:300]), torch.tensor(y[:300])), (torch.tensor(x[300:]), torch.tensor(y[300:]))
    fitted = []

    def path():
        for probe in logistic.path(*train, logistic.grid(23)):
            fitted.append(probe.c)
            yield probe

    patient = logistic.search(path(), *val, patience=3)
    assert patient.c == logistic.search(logistic.path(*train, logistic.grid(23)), *val).c
    assert fitted.index(patient.c) == len(fitted) - 4
    with pytest.raises(ValueError, match="no probe"):
        logistic.search([], *val)


def test_constant_and_copied_features_do_no_harm():
    x, y = digits(3)
    widened = np.concatenate([x, np.full((len(x), 2), 7.0), x[:, :4]], 1)
    probe = fit(widened, y, 0.1)
    assert probe.converged
    assert bool(probe.weights.isfinite().all())


def test_a_class_without_samples_gets_a_column_and_no_nan():
    x, y = digits(3)
    shares = fit(x, y, 0.1, classes=5, balanced=True).probabilities(torch.tensor(x))
    assert shares.shape[1] == 5
    assert bool(shares.isfinite().all())
    assert float(shares[:, 3:].max()) < 0.05


def test_what_cannot_be_fitted_is_one_clear_error():
    x, y = digits(3)
    with pytest.raises(UserError, match="at least two classes"):
        fit(x, np.zeros(len(x)), 1.0, classes=2)
    x[0, 0] = np.nan
    with pytest.raises(UserError, match="not finite"):
        fit(x, y, 1.0)


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("kind", ["binary", "multilabel"])
def test_a_soft_label_is_both_answers_in_its_proportion(kind, balanced):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4))
    y = np.where(rng.random(60) < 0.3, rng.uniform(0.55, 0.85, 60), (x[:, 0] > 0).astype(float))
    labels = y if kind == "binary" else y[:, None]
    soft = fit(x, labels, 0.5, kind=kind, classes=2 if kind == "binary" else 1, standardise=False, balanced=balanced)
    nearer = np.round(y) if kind == "binary" else y
    of = (len(y) / (2 * (1 - nearer).sum()), len(y) / (2 * nearer.sum())) if balanced else (1, 1)
    both = np.concatenate([of[0] * (1 - y), of[1] * y])
    hard = LogisticRegression(C=0.5, tol=1e-10, max_iter=20_000)
    hard.fit(np.concatenate([x, x]), np.repeat([0, 1], len(y)), sample_weight=both)
    np.testing.assert_allclose(soft.weights[:, 0].numpy(), hard.coef_[0], atol=1e-5)
