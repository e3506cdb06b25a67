from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.select.strategies.conditions import chosen, numbers, one_hot, slowly
from vesalius.errors import UserError

VALUES = st.lists(st.integers(0, 9).map(float), min_size=2, max_size=10)


@given(VALUES, st.integers(0, 30), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_sum_never_exceeds_its_bound_and_nothing_that_fits_is_left_out(values, most, preselect):
    before = [0] if preselect and values[0] <= most else []
    picks = chosen(len(values), [("target-range", {"max_sum": most}, numbers(values))], size=len(values), preselected=before)
    taken = [*before, *picks.rows.tolist()]
    assert sum(values[i] for i in taken) <= most
    left = [value for i, value in enumerate(values) if i not in taken]
    assert all(sum(values[i] for i in taken) + value > most for value in left)


@given(VALUES, st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_below_the_least_sum_large_numbers_are_preferred_then_others_decide(values, least):
    size, other = len(values), np.random.default_rng(1).uniform(1, 2, len(values))
    if sum(values) < least:
        with pytest.raises(UserError, match="all images together reach"):
            chosen(1, [("target-range", {"min_sum": least}, numbers(values))], size=size)
        return
    strong = {"min_sum": least, "strength": 50.0}
    picks = chosen(size, [("target-range", strong, numbers(values)), ("weights", {}, numbers(other))], size=size).rows.tolist()
    top = max(values)

    def worth(taken: list[int], i: int) -> float:
        below = sum(values[j] for j in taken) < least
        factor = 1.0 if min(values) == top else values[i] / top * (1 - 1e-9) + 1e-9
        return 50 * np.log(factor) * below + np.log(other[i] / other.max()) + 2000

    assert picks == slowly(size, size, worth)


def test_both_bounds_by_enumeration():
    rng = np.random.default_rng(7)
    cost, worth = rng.integers(1, 9, 9).astype(float), rng.uniform(1, 5, 9)
    parts = [("target-range", {"max_sum": 20}, numbers(cost)), ("weights", {}, numbers(worth))]
    picks = chosen(9, parts, size=9).rows.tolist()
    assert picks == slowly(9, 9, lambda _, i: worth[i], open_=lambda taken, i: sum(cost[j] for j in taken) + cost[i] <= 20)
    assert chosen(9, parts[::-1], size=9).rows.tolist() == picks


def test_an_unknown_number_is_barred_under_a_largest_sum_and_adds_nothing_under_a_least():
    assert chosen(3, [("target-range", {"max_sum": 9}, numbers([np.nan, 1, 2]))], size=3).rows.tolist() == [1, 2]
    assert chosen(3, [("target-range", {"min_sum": 3}, numbers([np.nan, 1, 2]))], size=3).rows.tolist() == [2, 1, 0]


def test_bounds_that_are_missing_or_crossed_and_classes_are_refused():
    for fields, said in (({}, "give min_sum, max_sum or both"), ({"min_sum": 2, "max_sum": 1}, "min_sum 2 is larger")):
        with pytest.raises(UserError, match=said):
            chosen(1, [("target-range", fields, numbers([1]))], size=1)
    with pytest.raises(UserError, match="TARGET_RANGE needs numbers"):
        chosen(1, [("target-range", {"max_sum": 1}, one_hot(["a"]))], size=1)
