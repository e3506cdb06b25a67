from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.select.strategies.conditions import chosen, numbers, one_hot, slowly
from vesalius.errors import UserError
from vesalius.select.numeric import positive

VALUES = st.lists(st.one_of(st.integers(-50, 50).map(float), st.just(float("nan"))), min_size=1, max_size=12).filter(lambda v: not np.isnan(v).all())


@given(VALUES, st.sampled_from([1.0, 0.3, 5.0]))
@settings(max_examples=60, deadline=None)
def test_alone_it_is_the_n_largest_and_with_a_negative_strength_the_n_smallest(values, strength):
    known = np.asarray(values)
    high = np.lexsort((np.arange(len(known)), -np.where(np.isnan(known), -np.inf, known)))
    low = np.lexsort((np.arange(len(known)), np.where(np.isnan(known), np.inf, known)))
    for n in (1, len(values)):
        assert chosen(n, [("weights", {"strength": strength}, numbers(values))], size=len(values)).rows.tolist() == high[:n].tolist()
        assert chosen(n, [("weights", {"strength": -strength}, numbers(values))], size=len(values)).rows.tolist() == low[:n].tolist()


@given(VALUES, st.sampled_from([1.0, -1.0, 2.0]), st.floats(0.001, 1000))
@settings(max_examples=60, deadline=None)
def test_the_scale_of_numbers_does_not_matter(values, strength, factor):
    np.testing.assert_allclose(positive(np.asarray(values), strength), positive(np.asarray(values) * factor, strength), rtol=1e-9)


@pytest.mark.parametrize(("s", "t"), [(1.0, 1.0), (2.0, -0.5), (-1.0, 1.0)])
def test_two_are_the_product_of_their_powers(s, t):
    rng = np.random.default_rng(3)
    a, b = rng.uniform(1, 9, 10), rng.uniform(0.1, 3, 10)
    picks = chosen(6, [("weights", {"strength": s}, numbers(a)), ("weights", {"strength": t}, numbers(b))], size=10)
    assert picks.rows.tolist() == slowly(6, 10, lambda _, i: a[i] ** s * b[i] ** t)


@pytest.mark.parametrize("preselected", [(), (0, 3)])
@pytest.mark.parametrize("combined", [False, True])
def test_it_ends_before_the_sum_is_too_large(preselected, combined):
    values = [5.0, 4.0, 3.0, 3.0, np.nan, 1.0]
    also = [("weights", {"strength": 1e-6}, numbers([1.0] * 6))] if combined else []
    picks = chosen(6, [("weights", {"stopping_condition_max_sum": 12}, numbers(values)), *also], size=6, preselected=preselected)
    assert picks.rows.tolist() == ([0, 1, 2] if not preselected else [1])
    assert "would add up to more than 12" in picks.stopped


def test_sums_of_tenths_reach_their_bound_exactly():
    assert len(chosen(9, [("weights", {"stopping_condition_max_sum": 0.3}, numbers([0.1] * 9))], size=9)) == 3


def test_what_is_not_known_comes_last_whichever_way_and_says_so():
    for strength in (1.0, -1.0):
        picks = chosen(3, [("weights", {"strength": strength}, numbers([np.nan, 0.0, 0.0]))], size=3)
        assert picks.rows.tolist() == [1, 2, 0]
        assert [list(reason.values()) for reason in picks.reasons] == [[{"value": 0.0}], [{"value": 0.0}], [{"value": "unknown"}]]


def test_preselected_images_are_not_chosen_again():
    assert chosen(2, [("weights", {}, numbers([3.0, 2.0, 1.0]))], size=3, preselected=[0]).rows.tolist() == [1, 2]


def test_classes_and_numbers_that_are_nowhere_known_are_refused():
    with pytest.raises(UserError, match="WEIGHTS needs numbers, and metadata weather holds classes"):
        chosen(1, [("weights", {}, one_hot(["a"]))], size=1)
    with pytest.raises(UserError, match="none of 2 images has a number"):
        chosen(1, [("weights", {}, numbers([np.nan, np.nan]))], size=2)
