from __future__ import annotations

import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.select.strategies.conditions import chosen, numbers, one_hot, slowly
from vesalius.errors import UserError

COMPARED = {"SMALLER": operator.lt, "SMALLER_EQUAL": operator.le, "BIGGER": operator.gt, "BIGGER_EQUAL": operator.ge}


@given(
    st.lists(st.one_of(st.sampled_from([0.0, 0.1, 0.3, 0.1 + 0.2, 1.0]), st.just(float("nan")), st.just(float("inf"))), min_size=1, max_size=9),
    st.sampled_from([0.1, 0.3, 1.0]),
    st.sampled_from(sorted(COMPARED)),
)
@settings(max_examples=80, deadline=None)
def test_exactly_those_that_compare_may_be_chosen(values, threshold, operation):
    passing = [i for i, value in enumerate(values) if not np.isnan(value) and COMPARED[operation](value, threshold)]
    parts = [("threshold", {"threshold": threshold, "operation": operation}, numbers(values))]
    if not passing:
        with pytest.raises(UserError, match="No image that could be chosen has metadata x"):
            chosen(1, parts, size=len(values))
        return
    assert chosen(len(values), parts, size=len(values)).rows.tolist() == passing


def test_thresholds_come_before_everything_else_whatever_their_place():
    a, b = np.arange(8.0), np.asarray([9, 1, 8, 2, 7, 3, 6, 4.0])
    parts = [("weights", {}, numbers(b)), ("threshold", {"threshold": 2, "operation": "BIGGER"}, numbers(a))]
    for order in (parts, parts[::-1]):
        picks = chosen(3, order, size=8)
        assert picks.rows.tolist() == slowly(3, 8, lambda _, i: b[i], open_=lambda _, i: a[i] > 2)


def test_what_passes_but_is_chosen_already_does_not_help():
    with pytest.raises(UserError, match="Known values lie between 1 and 9, for 2 of 3 images"):
        chosen(1, [("threshold", {"threshold": 5, "operation": "BIGGER"}, numbers([9, 1, np.nan]))], size=3, preselected=[0])


def test_too_few_that_pass_end_the_selection_with_a_reason():
    picks = chosen(3, [("threshold", {"threshold": 5, "operation": "BIGGER"}, numbers([9, 1, 8]))], size=3)
    assert picks.rows.tolist() == [0, 2]
    assert picks.stopped


def test_classes_unknown_operations_and_thresholds_that_are_no_number_are_refused():
    with pytest.raises(UserError, match="THRESHOLD needs numbers"):
        chosen(1, [("threshold", {"threshold": 5, "operation": "BIGGER"}, one_hot(["a"]))], size=1)
    with pytest.raises(UserError, match="operation is 'LARGER'"):
        chosen(1, [("threshold", {"threshold": 5, "operation": "LARGER"}, numbers([1]))], size=1)
    with pytest.raises(UserError, match="threshold"):
        chosen(1, [("threshold", {"threshold": float("nan"), "operation": "BIGGER"}, numbers([1]))], size=1)
