from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.errors import UserError
from vesalius.measures import episodes

NAMES = ("a", "b", "c", "d")


def drawn(labels, subject, way=2, shot=5, queries=4, count=30, key=("data", 1)):
    names = NAMES[: int(labels.max()) + 1]
    return episodes.draw(labels, subject, names, way=way, shot=shot, queries=queries, count=count, key=key)


def people(seed, images=300, most=5):
    """Labels of three classes and subjects with one to many images, of one class or several."""
    rng = np.random.default_rng(seed)
    subject = np.sort(rng.integers(0, images // most, images))
    return rng.integers(0, 3, images), np.unique(subject, return_inverse=True)[1]


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 99), way=st.integers(2, 3), shot=st.integers(1, 12), queries=st.integers(1, 9))
def test_episodes_are_balanced_and_their_sides_disjoint_in_subjects(seed, way, shot, queries):
    labels, subject = people(seed)
    found = drawn(labels, subject, way, shot, queries, count=12)
    assert found.support.shape == (12, way, shot)
    assert found.query.shape == (12, way, queries)
    for classes, support, query in zip(found.classes, found.support, found.query, strict=True):
        assert len(set(classes.tolist())) == way
        assert (labels[support] == classes[:, None]).all()
        assert (labels[query] == classes[:, None]).all()
        assert len(np.unique(support)) == support.size
        assert len(np.unique(query)) == query.size
        assert not set(subject[support].ravel().tolist()) & set(subject[query].ravel().tolist())


def test_an_episode_depends_on_the_key_and_its_number_alone(monkeypatch):
    labels, subject = people(0)
    all_of_them, first = drawn(labels, subject, count=30), drawn(labels, subject, count=7)
    monkeypatch.setattr(episodes, "_NUMBERS", 1)  # one episode at a time
    again = drawn(labels, subject, count=30)
    for part in ("classes", "support", "query"):
        assert np.array_equal(getattr(all_of_them, part), getattr(again, part))
        assert np.array_equal(getattr(all_of_them, part)[:7], getattr(first, part))
    assert not np.array_equal(drawn(labels, subject, key=("data", 2)).support, all_of_them.support)


def test_with_an_image_a_subject_it_is_the_plain_draw():
    labels = np.repeat([0, 1], [9, 15])
    found = drawn(labels, np.arange(24), shot=4, queries=5, count=4000)  # class a is used up in every episode
    assert len(found) == 4000
    learnt = np.bincount(found.support.ravel(), minlength=24) / 4000
    asked = np.bincount(found.query.ravel(), minlength=24) / 4000
    np.testing.assert_allclose(learnt, np.repeat([4 / 9, 4 / 15], [9, 15]), atol=0.04)  # five deviations
    np.testing.assert_allclose(asked, np.repeat([5 / 9, 5 / 15], [9, 15]), atol=0.04)


def test_subjects_with_many_images_are_divided_until_it_works():
    labels = np.repeat([0, 1], 40)
    subject = np.repeat(np.arange(4), 20)  # two subjects a class: one to learn from, one to be asked
    found = drawn(labels, subject, shot=20, queries=15, count=20)
    assert all(len(set(subject[row])) == 1 for row in found.support.reshape(-1, 20))


@pytest.mark.parametrize(
    ("labels", "subject", "way", "said"),
    [
        ([0] * 8 + [1] * 20, range(28), 2, "'a' has 8 images, and an episode takes 5 images to learn from and 4 to be asked of each class: 9"),
        ([0] * 20 + [1] * 20, [0] * 20 + list(range(1, 21)), 2, "The 20 images of the class 'a' are all of one subject"),
        ([1] * 20, range(20), 2, "Every labelled image is of one class (b)"),
        ([0] * 20 + [1] * 20, range(40), 3, "3 classes are asked for in an episode, and there are 2: a, b"),
        ([0] * 20 + [1] * 20, [0] * 19 + [1] + list(range(2, 22)), 2, "The class 'a' has 20 images of 2 subjects, and 100 divisions"),
    ],
)
def test_a_class_with_too_little_is_named(labels, subject, way, said):
    with pytest.raises(UserError) as caught:
        drawn(np.array(labels), np.array(subject), way)
    assert said in str(caught.value)
