"""Divisions for the choice of hyper-parameters: whole subjects, every class, the same for every encoder."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.evaluate.fitting import folds


def pair(train: int, val: int, test: int, *, subjects: int | None = None, kind: str = "classes", compat: str = "none"):
    rng = np.random.default_rng(train)
    parts = {}
    for place, (name, count) in enumerate((("train", train), ("val", val), ("test", test))):
        labels = torch.tensor(rng.integers(0, 3, count), dtype=torch.float32)
        if kind == "multilabel":
            labels = (torch.tensor(rng.random((count, 4))) < 0.2).float()
        who = 10_000 * place + (rng.integers(0, subjects, count) if subjects else np.arange(count))
        parts[name] = _Split(labels, who)
    return SimpleNamespace(split=parts.__getitem__, kind=kind, asked=SimpleNamespace(seed=1, compat=compat))


class _Split:
    def __init__(self, labels, subject):
        self.labels, self.subject = labels, subject

    def __len__(self):
        return len(self.labels)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 99), rows=st.integers(20, 120), people=st.integers(4, 60), many=st.booleans())
def test_parts_are_of_whole_subjects_and_hold_their_shares(seed, rows, people, many):
    rng = np.random.default_rng(seed)
    subject = rng.integers(0, people, rows)
    labels = (torch.tensor(rng.random((rows, 3))) < 0.3).float() if many else torch.tensor(rng.integers(0, 3, rows)).float()
    part = folds.divided(labels, "multilabel" if many else "classes", subject, [0.2] * 5, 1, seed)
    for one in np.unique(subject):
        assert len(set(part[subject == one])) == 1
    sizes, most = np.bincount(part, minlength=5), np.bincount(subject).max()
    assert sizes.max() - sizes.min() <= 5 * most  # one subject for each of at most four strata, and one


def test_each_class_is_shared_out_evenly():
    labels = torch.tensor([0.0] * 60 + [1.0] * 20 + [2.0] * 5)
    part = folds.divided(labels, "classes", np.arange(85), [0.2] * 5, 1, 0)
    for number in range(5):
        assert np.bincount(labels[part == number].long(), minlength=3).tolist() == [12, 4, 1]
    halves = folds.divided(labels, "classes", np.arange(85), [0.8, 0.2], 1, 0)
    assert [int((labels[halves == 1] == c).sum()) for c in range(3)] == [12, 4, 1]


def test_a_small_set_is_cut_into_five_folds_and_a_large_one_keeps_its_own_division_first():
    few = pair(100, 30, 40)
    assert folds.repeats(few) == 5
    for repeat in range(2):
        found = folds.folds(few, repeat)
        assert len(found) == folds.FOLDS
        assert sorted(np.concatenate([fold.choose for fold in found]).tolist()) == list(range(130))
        assert all(not set(fold.fit) & set(fold.choose) and len(fold.fit) + len(fold.choose) == 130 for fold in found)
    assert not np.array_equal(folds.folds(few, 0)[0].choose, folds.folds(few, 1)[0].choose)
    assert np.array_equal(folds.folds(few, 1)[0].choose, folds.folds(few, 1)[0].choose)

    many = pair(900, 300, 200)
    assert folds.repeats(many) == 3
    (own,), (drawn,) = folds.folds(many, 0), folds.folds(many, 1)
    assert own.choose.tolist() == list(range(900, 1200))
    assert len(drawn.choose) == pytest.approx(300, abs=4)
    assert len(set(drawn.choose) & set(own.choose)) < 150


def test_an_original_is_reproduced_once_on_its_own_division():
    few = pair(100, 30, 40, compat="ssl-medicalimaging")
    assert folds.repeats(few) == 1
    (own,) = folds.folds(few, 0)
    assert own.fit.tolist() == list(range(100))


def test_answers_are_put_back_in_the_order_of_the_pool():
    few = pair(100, 30, 40, subjects=25, kind="multilabel")
    divisions = folds.folds(few, 3)
    answers = [torch.from_numpy(fold.choose)[:, None].float().expand(-1, 4) for fold in divisions]
    assert torch.equal(folds.held_out(few, divisions, answers)[:, 2], torch.arange(130.0))
    assert folds.held_out(few, divisions[:1], answers[:1]).isnan().any(1).sum() == 130 - len(divisions[0].choose)
