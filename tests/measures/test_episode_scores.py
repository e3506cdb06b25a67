from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vesalius.measures import bootstrap, episode_scores, episodes


def cloud(rng, sizes=(58, 80), each=1, dim=8, apart=1.2):
    """Two Gaussian classes; ``each`` images of a subject, which share half their variance."""
    labels = np.repeat([0, 1], sizes)
    subject = np.concatenate([np.arange(sizes[0]) // each, sizes[0] + np.arange(sizes[1]) // each])
    subject = np.unique(subject, return_inverse=True)[1]
    shared = rng.normal(size=(subject.max() + 1, dim))[subject] if each > 1 else 0
    x = rng.normal(size=(sum(sizes), dim)) * (math.sqrt(0.5) if each > 1 else 1) + shared * math.sqrt(0.5)
    x[labels == 1, 0] += apart
    return torch.from_numpy(x), labels, subject


def scores(x, labels, subject, count=100, shot=20, key=0, **options):
    drawn = episodes.draw(labels, subject, "ab", way=2, shot=shot, queries=15, count=count, key=(key,))
    return drawn, episode_scores.score(x, labels, subject, drawn, **options)


def test_accuracy_and_margin_are_of_the_query():
    x, labels, subject = cloud(np.random.default_rng(0))
    drawn, found = scores(x, labels, subject)
    for support, query, classes, accuracy in zip(drawn.support, drawn.query, drawn.classes, found.accuracy, strict=True):
        assert (labels[support] == classes[:, None]).all()
        means = torch.stack([x[torch.from_numpy(rows)].mean(0) for rows in support])
        right = [torch.cdist(x[torch.from_numpy(rows)], means).argmin(1) == place for place, rows in enumerate(query)]
        assert float(accuracy) == float(torch.cat(right).double().mean())
    assert found.value == pytest.approx(float(found.accuracy.mean()))
    assert found.margin() == pytest.approx(1.96 * np.std(found.accuracy.numpy(), ddof=1) / 10)
    assert found.margin(0) == pytest.approx(1.96 * np.std(found.accuracy.numpy()) / 10)


def test_what_is_linear_in_the_support_has_its_exact_influence():
    """An episode that is right by the mean of a number of those it learns from: each sample's influence is its share of that mean."""
    rng = np.random.default_rng(1)
    for each in (1, 4):
        _, labels, subject = cloud(rng, (60, 60), each)
        worth = rng.normal(size=subject.max() + 1)[subject]
        drawn = episodes.draw(labels, subject, "ab", way=2, shot=20, queries=15, count=12000, key=("linear", each))
        ease = torch.from_numpy(worth[drawn.support].mean(2).sum(1))
        ease = ease - ease.mean()
        found, _ = episode_scores._learnt(ease, *map(torch.from_numpy, (drawn.classes, labels, subject, drawn.support)))
        people = torch.zeros(subject.max() + 1, dtype=torch.float64).index_add_(0, torch.from_numpy(subject), found)
        middle = np.array([worth[labels == c].mean() for c in (0, 1)])[labels]
        truth = np.bincount(subject, (worth - middle) / 60)
        assert np.corrcoef(people.numpy(), truth)[0, 1] > 0.97
        assert float(people.numpy() @ truth / (truth @ truth)) == pytest.approx(1, abs=0.06)


def covered(each, repeats, sizes, truth):
    """How often the interval over subjects, and the Monte-Carlo one, hold the truth; and the ratio of their deviation to the true one."""
    rng, outer, inner, values, said = np.random.default_rng(7), 0, 0, [], []
    for repeat in range(repeats):
        x, labels, subject = cloud(rng, sizes, each)
        _, found = scores(x, labels, subject, key=repeat)
        replicates = found.replicates(subject, 300, repeat)
        low, high = bootstrap.interval(replicates)
        outer, inner = outer + (low <= truth <= high), inner + (abs(found.value - truth) <= found.margin())
        values.append(found.value)
        said.append(float(replicates.std()))
    return outer / repeats, inner / repeats, np.mean(said) / np.std(values)


@pytest.mark.parametrize(("each", "sizes"), [(1, (58, 80)), (4, (80, 80))])
def test_the_interval_holds_the_truth_and_the_monte_carlo_one_does_not(each, sizes):
    rng = np.random.default_rng(3)
    truth = float(np.mean([scores(*cloud(rng, (4000, 4000), each), key=n)[1].value for n in range(4)]))
    outer, inner, ratio = covered(each, 40, sizes, truth)
    assert outer >= 0.85
    assert inner <= 0.6
    assert 0.75 < ratio < 1.5


def test_replicates_are_the_same_for_the_same_answers_and_paired_between_encoders():
    x, labels, subject = cloud(np.random.default_rng(5))
    one, same = (scores(x, labels, subject)[1].replicates(subject, 200, 9) for _ in range(2))
    assert torch.equal(one, same)
    near = scores(x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)), labels, subject)[1].replicates(subject, 200, 9)
    assert float((one - near).std()) < 0.5 * float(one.std())
    assert one.shape == (200,)
    assert bool(((one >= 0) & (one <= 1)).all())


def test_nothing_to_err_about_has_no_width():
    x, labels, subject = cloud(np.random.default_rng(5), apart=100.0)
    found = scores(x, labels, subject)[1]
    assert found.value == 1
    assert bootstrap.interval(found.replicates(subject, 200, 0)) == (1, 1)
