from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.evaluate.made import Drawn
from vesalius.errors import UserError
from vesalius.evaluate.protocols import few_shot
from vesalius.evaluate.protocols.few_shot import Config
from vesalius.measures import episodes


@pytest.fixture
def seen(monkeypatch):
    """The episodes that were drawn, in order."""
    drawn = []

    def draw(*args, **kwargs):
        drawn.append(episodes_draw(*args, **kwargs))
        return drawn[-1]

    episodes_draw = episodes.draw
    few_shot._drawn.cache_clear()
    monkeypatch.setattr(episodes, "draw", draw)
    yield drawn
    few_shot._drawn.cache_clear()


def measured(pair, **fields):
    return few_shot.measure(Config(**{"episodes": 40, **fields}), pair)


def test_every_encoder_is_asked_the_same(seen):
    one, other = Drawn(), Drawn(apart=0.5)
    first, second = measured(one), measured(other)
    assert len(seen) == 1  # labels and subjects are the same, so the episodes are
    assert first.values["accuracy"].value > second.values["accuracy"].value + 0.05
    assert first.values["accuracy"].repeats.shape == (40,)
    assert first.values["accuracy"].replicates.shape == (100,)
    assert first.facts["way"] == 3
    assert first.scored == (390, 195)


def test_an_episode_is_a_function_of_its_number_and_of_what_is_asked(seen):
    pair = Drawn()
    measured(pair, episodes=10)
    measured(pair)
    measured(pair, shot=7)
    pair.asked.seed = 2
    measured(pair)
    first, more, shots, seeds = seen
    assert np.array_equal(first.support, more.support[:10])
    assert shots.support.shape == (40, 3, 7)
    assert not np.array_equal(more.support, seeds.support)


def test_subjects_are_on_one_side_but_not_as_the_original_has_them(seen):
    pair = Drawn()
    measured(pair)
    pair.asked.compat = "ssl-medicalimaging"
    original = measured(pair)
    subject = pair.split("all").subject
    shared = [
        any(set(subject[s.ravel()].tolist()) & set(subject[q.ravel()].tolist()) for s, q in zip(one.support, one.query, strict=True)) for one in seen
    ]
    assert shared == [False, True]
    accuracy = original.values["accuracy"]
    assert accuracy.margin == pytest.approx(1.96 * float(accuracy.repeats.std(correction=0)) / 40**0.5)
    assert "as the original draws them" in original.facts["subjects"]
    assert original.values["accuracy"].replicates.std() > 0  # the interval over subjects stands beside it


def test_a_part_and_some_classes_can_be_named(seen):
    pair = Drawn(counts=(60, 30, 30))
    measured(pair, pool="train", shot=3, queries=4, classes=("c2", "c0"), way=2)
    (one,) = seen
    labels = pair.split("train").labels.numpy()
    kept = np.flatnonzero(labels != 1)
    assert set(labels[kept[one.support.ravel()]].tolist()) == {0.0, 2.0}


def test_of_several_labels_the_samples_with_one_positive_are_classes():
    pair = Drawn("multilabel", counts=(300, 60, 60))
    found = measured(pair, shot=3, queries=3)
    labels = np.nan_to_num(pair.split("all").labels.numpy())
    alone = int((labels.sum(1) == 1).sum())
    assert found.scored[0] == alone
    assert found.facts["note"] == f"{alone} of 420 samples have exactly one positive label, which is their class."


def test_simpleshot_with_the_pools_centre_is_class_means_of_directions():
    pair = Drawn()
    simple = measured(pair, variant="simpleshot", centre="pool").values["accuracy"]
    vectors = pair.features("all")
    pair._vectors["all"] = torch.nn.functional.normalize(vectors - vectors.mean(0), dim=1)
    assert torch.equal(measured(pair).values["accuracy"].repeats, simple.repeats)


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(UserError, match=r"The class 'c0' has 22 images, .* and 15 to be asked of each class: 25"):
        measured(Drawn(counts=(40, 10, 10)), shot=10)
    with pytest.raises(UserError, match="has no class 'sick'"):
        measured(Drawn(), classes=("sick", "c0"))
    pair = Drawn()
    pair._splits["all"].labels[:] = 1
    with pytest.raises(UserError, match=r"Every labelled image is of one class \(c1\)"):
        measured(pair)
