from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vesalius.measures import bootstrap, metrics


def mean_of(values: torch.Tensor) -> bootstrap.Statistic:
    return lambda weights: (values @ weights) / weights.sum(0)


def test_weights_count_how_often_each_subject_was_drawn():
    subject = bootstrap.groups(np.array(["a", "b", "a", None, "c", None], dtype=object), 6)
    assert subject.tolist() == [0, 1, 0, 2, 3, 4]
    drawn = torch.cat(list(bootstrap.weights(subject, 500, 0)), 1)
    assert drawn.shape == (6, 500)
    assert torch.equal(drawn[0], drawn[2])
    assert torch.equal(drawn[[0, 1, 3, 4, 5]].sum(0), torch.full((500,), 5.0))
    assert float(drawn.mean()) == pytest.approx(1, abs=0.05)
    assert bootstrap.groups(None, 3).tolist() == [0, 1, 2]


def test_a_replicate_is_a_plain_resampling():
    values = torch.arange(7, dtype=torch.float32)
    rng = bootstrap.random.generator("bootstrap", 3, 7)
    slow = [float(values[rng.integers(0, 7, 7)].mean()) for _ in range(50)]
    fast = bootstrap.replicate({"mean": mean_of(values)}, np.arange(7), replicates=50, seed=3)["mean"]
    np.testing.assert_allclose(fast.numpy(), slow, rtol=1e-6)


def test_blocks_change_nothing(monkeypatch):
    run = lambda: bootstrap.replicate({"m": mean_of(torch.arange(30.0))}, np.arange(30), replicates=101, seed=1)["m"]  # noqa: E731
    whole = run()
    monkeypatch.setattr(bootstrap, "_CELLS", 30 * 8)
    torch.testing.assert_close(run(), whole)


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(300):
        hits = torch.tensor(rng.random(150) < 0.7).float()
        values = bootstrap.replicate({"m": mean_of(hits)}, np.arange(150), replicates=400, seed=trial)["m"]
        low, high = bootstrap.interval(values)
        covered += low <= 0.7 <= high
    assert 0.90 < covered / 300 < 0.98


def test_intervals_by_subject_cover_where_intervals_by_image_do_not():
    rng = np.random.default_rng(0)
    names = np.repeat(np.arange(40), 10).astype(object)
    covered = {"subject": 0, "image": 0}
    for trial in range(150):
        values = torch.tensor(np.repeat(rng.normal(size=40), 10) + 0.3 * rng.normal(size=400)).float()
        for unit, subject in (("subject", bootstrap.groups(names, 400)), ("image", bootstrap.groups(None, 400))):
            found = bootstrap.replicate({"m": mean_of(values)}, subject, replicates=300, seed=trial)["m"]
            low, high = bootstrap.interval(found)
            covered[unit] += low <= 0 <= high
    assert covered["subject"] / 150 > 0.88
    assert covered["image"] / 150 < 0.6


def test_paired_differences_are_narrower_than_unpaired():
    rng = np.random.default_rng(0)
    hard = rng.random(400)
    a, b = (torch.tensor(hard + 0.05 * rng.normal(size=400) > t).float() for t in (0.30, 0.33))
    found = bootstrap.replicate({"a": mean_of(a), "b": mean_of(b)}, np.arange(400), seed=0)
    low, high = bootstrap.interval(found["a"] - found["b"])
    other = bootstrap.replicate({"b": mean_of(b)}, np.arange(400), seed=1)["b"]
    far = bootstrap.interval(found["a"] - other)
    assert high - low < 0.6 * (far[1] - far[0])
    same = bootstrap.replicate({"a": mean_of(a), "b": mean_of(a)}, np.arange(400), seed=0)
    assert bootstrap.interval(same["a"] - same["b"]) == (0.0, 0.0)


@pytest.mark.parametrize("name", metrics.NAMES)
def test_intervals_hold_the_value_of_every_measure(name):
    rng = np.random.default_rng(0)
    labels = torch.tensor(rng.integers(0, 3, 400), dtype=torch.float32)
    shares = torch.tensor(rng.normal(size=(400, 3)) + np.eye(3)[labels.int()]).softmax(1)
    values = bootstrap.replicate(
        {name: lambda w: metrics.measure(name, "classes", labels, shares, w)}, np.arange(400), replicates=300
    )[name]
    low, high = bootstrap.interval(values)
    assert low < float(metrics.measure(name, "classes", labels, shares)[0]) < high
    assert 0.03 < high - low < 0.15


def test_undefined_replicates_are_left_out_and_nothing_is_nan():
    assert bootstrap.interval(torch.tensor([torch.nan, 1.0, 1.0])) == (1.0, 1.0)
    assert all(math.isnan(v) for v in bootstrap.interval(torch.tensor([torch.nan])))


def test_the_accelerated_interval_is_scipys():
    from scipy import stats

    rng = np.random.default_rng(3)
    values = torch.tensor(rng.exponential(size=60), dtype=torch.float32)
    replicates = bootstrap.replicate({"m": mean_of(values)}, np.arange(60), replicates=8000, seed=1)["m"]
    total = float(values.sum())
    left_out = (total - values) / 59
    low, high = bootstrap.accelerated_interval(float(values.mean()), replicates, left_out)
    theirs = stats.bootstrap((values.numpy(),), np.mean, n_resamples=8000, method="BCa", rng=np.random.default_rng(0)).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    plain = bootstrap.interval(replicates)
    assert low > plain[0]  # skewed to the right, so is the interval
    assert high > plain[1]


def test_replicates_on_one_side_have_their_plain_percentiles():
    values = torch.linspace(0.6, 0.9, 101)
    assert bootstrap.accelerated_interval(1.0, values, torch.rand(20)) == bootstrap.interval(values)
    low, high = bootstrap.shifted_interval(0.5, values)
    assert low < 0.5 < high
    assert high - low == pytest.approx(np.diff(bootstrap.interval(values))[0])


def test_drawn_by_strata_each_has_as_many_as_there_are():
    strata = np.array([0] * 7 + [1] * 3)
    drawn = torch.cat(list(bootstrap.weights(np.arange(10), 50, 1, strata)), 1)
    assert drawn[:7].sum(0).unique().tolist() == [7.0]
    assert drawn[7:].sum(0).unique().tolist() == [3.0]
    assert len(drawn.T.unique(dim=0)) > 40


def test_few_subjects_have_wider_intervals_and_larger_p_values():
    """Simulated: means of eight; percentiles hold 0 too seldom, expanded ones as often as they say."""
    assert bootstrap.expanded(10) == pytest.approx(0.983, abs=0.001)
    assert bootstrap.expanded(10_000) == pytest.approx(0.95, abs=1e-3)
    assert bootstrap.expanded_p(1 - bootstrap.expanded(10), 10) == pytest.approx(0.05)
    assert bootstrap.expanded(1) == 0.95
    rng, covered = np.random.default_rng(0), {0.95: 0, bootstrap.expanded(8): 0}
    for trial in range(200):
        values = torch.tensor(rng.normal(size=8), dtype=torch.float32)
        found = bootstrap.replicate({"m": mean_of(values)}, np.arange(8), replicates=2000, seed=trial)["m"]
        for level in covered:
            low, high = bootstrap.interval(found, level)
            covered[level] += low <= 0 <= high
    assert covered[0.95] / 200 < 0.9
    assert covered[bootstrap.expanded(8)] / 200 > 0.915


def test_two_subjects_have_all_replicates_as_their_interval():
    values = torch.linspace(0, 1, 101, dtype=torch.float64)
    level = bootstrap.expanded(2)
    assert level == 1
    assert bootstrap.accelerated_interval(0.4, values, torch.tensor([0.2, 0.6, 0.5]), level) == (0, 1)
