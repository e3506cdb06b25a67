from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.measures import uncertainty as u

ROWS = st.integers(2, 6).flatmap(lambda c: st.lists(st.lists(st.floats(0.001, 1), min_size=c, max_size=c), min_size=1, max_size=5))


def slow(name, p):
    p, c = sorted(p, reverse=True), len(p)
    if name == "uncertainty_least_confidence":
        return (1 - p[0]) * c / (c - 1)
    if name == "uncertainty_margin":
        return 1 - (p[0] - p[1])
    return -sum(x * math.log2(x) for x in p if x) / math.log2(c)


@pytest.mark.parametrize("name", u.MEASURES)
@given(ROWS)
@settings(max_examples=30, deadline=None)
def test_each_is_what_its_definition_says_and_lies_between_0_and_1(name, rows):
    p = np.asarray(rows) / np.sum(rows, axis=1, keepdims=True)
    found = u.MEASURES[name](p)
    np.testing.assert_allclose(found, [slow(name, row) for row in p.tolist()], atol=1e-12)
    assert ((found > -1e-12) & (found < 1 + 1e-12)).all()
    np.testing.assert_allclose(found, u.MEASURES[name](p[:, ::-1]), atol=1e-12)


@pytest.mark.parametrize("name", u.MEASURES)
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_certainty_is_0_and_equal_probabilities_are_1(name, classes):
    np.testing.assert_allclose(u.MEASURES[name](np.stack([np.eye(classes)[0], np.full(classes, 1 / classes)])), [0, 1], atol=1e-12)


@pytest.mark.parametrize("name", u.MEASURES)
def test_what_is_not_known_stays_unknown_and_one_class_is_sure(name):
    assert np.isnan(u.MEASURES[name](np.full((1, 3), np.nan))).all()
    np.testing.assert_array_equal(u.MEASURES[name](np.asarray([[1.0], [np.nan]])), [0, np.nan])


def test_the_least_sure_object_of_an_image_counts_and_none_is_sure():
    np.testing.assert_array_equal(u.least_sure(np.asarray([0.2, 0.9, 0.4, np.nan]), np.asarray([0, 0, 2, 3]), 5), [0.9, 0, 0.4, np.nan, 0])


def test_means_over_pixels():
    np.testing.assert_allclose(u.mean_over(np.asarray([1.0, 0.0, 0.5]), np.asarray([30.0, 10.0, 5.0]), np.asarray([0, 0, 2]), 3), [0.75, 0, 0.5])


def test_objectness():
    np.testing.assert_allclose(u.objectness_least_confidence(np.asarray([0.9, 0.5, 1.0]), np.asarray([0, 0, 2]), 3), [0.3, 0, 0])


def test_object_frequency_counts_a_quarter_for_each_further_object_of_a_class():
    category, owner = np.asarray([0, 0, 0, 1, 0, 2]), np.asarray([0, 0, 0, 0, 2, 3])
    counted = np.asarray([1 + 2 * 0.25 + 1, 0, 1, 1])
    known = np.asarray([True, True, True, True, False])
    np.testing.assert_allclose(u.object_frequency(category, owner, known), [*(0.9 + 0.1 * counted / 2.5), np.nan])
    np.testing.assert_array_equal(u.object_frequency(np.zeros(0, int), np.zeros(0, int), np.ones(2, bool)), [1, 1])
