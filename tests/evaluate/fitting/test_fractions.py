from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.evaluate.fitting.fractions import nested, shots
from vesalius.measures import bootstrap

SHARES = (0.01, 0.05, 0.1, 0.3, 1.0)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 999), rows=st.integers(5, 200), classes=st.integers(2, 5), subjects=st.booleans())
def test_subsets_are_nested_stratified_and_of_whole_subjects(seed, rows, classes, subjects):
    rng = np.random.default_rng(seed)
    subject = bootstrap.groups(rng.integers(0, 20, rows).astype(object) if subjects else None, rows)
    # A subject has one class, so that its stratum is that class.
    of_subject = rng.integers(0, classes, subject.max() + 1)
    labels = torch.tensor(of_subject[subject], dtype=torch.float32)
    needed = nested(labels, "classes", subject, seed, 0)
    before = np.zeros(rows, bool)
    for share in SHARES:
        chosen = needed <= share
        assert not (before & ~chosen).any()
        for s in np.unique(subject):
            assert len(set(chosen[subject == s])) == 1
        for c in np.unique(of_subject):
            members = np.flatnonzero(of_subject == c)
            taken = sum(bool(chosen[subject == m].all()) for m in members)
            assert abs(taken - max(1, share * len(members))) <= 0.5 + 1e-9
        before = chosen
    assert before.all()


def test_draws_and_seeds_differ_and_repeat():
    labels, subject = torch.arange(100.0) % 2, np.arange(100)
    first = nested(labels, "classes", subject, 0, 0)
    assert np.array_equal(first, nested(labels, "classes", subject, 0, 0))
    for other in (nested(labels, "classes", subject, 0, 1), nested(labels, "classes", subject, 1, 0)):
        assert not np.array_equal(first <= 0.1, other <= 0.1)


def test_every_label_of_a_multilabel_task_is_in_the_smallest_share():
    labels = torch.zeros(300, 3)
    labels[:, 0] = 1
    labels[:40, 1] = 1
    labels[:3, 2] = 1
    labels[50:60, 1] = torch.nan
    chosen = nested(labels, "multilabel", np.arange(300), 0, 0) <= 0.01
    assert bool((labels[torch.from_numpy(chosen)] == 1).any(0).all())
    assert chosen.sum() == pytest.approx(3, abs=2)


def test_samples_without_any_label_are_a_stratum_of_their_own():
    labels = torch.zeros(50, 2)
    labels[:10, 0] = 1
    chosen = nested(labels, "multilabel", np.arange(50), 0, 0) <= 0.5
    assert chosen[:10].sum() == 5
    assert chosen[10:].sum() == 20


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 999), rows=st.integers(6, 120), kind=st.sampled_from(["classes", "multilabel"]))
def test_shots_are_nested_one_of_a_subject_and_enough_of_each_class(seed, rows, kind):
    rng = np.random.default_rng(seed)
    subject = bootstrap.groups(rng.integers(0, 30, rows).astype(object), rows)
    labels = torch.tensor(rng.integers(0, 3, rows) if kind == "classes" else rng.integers(0, 2, (rows, 2)), dtype=torch.float32)
    before: set[int] = set()
    for k in (1, 3, 8):
        chosen = shots(labels, kind, subject, k, seed, 0)
        assert before <= set(chosen.tolist())
        before = set(chosen.tolist())
        for c in range(3 if kind == "classes" else 2):
            member = ((labels == c) if kind == "classes" else labels[:, c] == 1).numpy()
            assert len(set(subject[chosen[member[chosen]]])) >= min(k, len(set(subject[member])))
            if kind == "classes":
                assert member[chosen].sum() == min(k, len(set(subject[member])))
