from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.report.ticks import linear, logarithmic, round_values


def test_round_values_are_round() -> None:
    assert round_values(0, 1, 4) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert round_values(1.62, 5.7, 4) == [2, 3, 4, 5]
    assert round_values(-0.02, 0.11, 4) == [0, 0.025, 0.05, 0.075, 0.1]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5))
def test_every_value_and_tick_stands_on_the_axis_in_order(values: list[float]) -> None:
    axis = linear(values)
    places = [axis.at(v) for v in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= place <= 100 for place in places)
    assert axis.low <= min(values) <= max(values) <= axis.high
    assert 1 <= len(axis.ticks) <= 12
    assert [tick.at for tick in axis.ticks] == sorted(tick.at for tick in axis.ticks)


def test_bounds_hold_unless_the_values_lie_beyond() -> None:
    axis = linear([0.9, 1.0], floor=0.0, ceiling=1.0)
    assert axis.high == 1.0
    assert axis.low == pytest.approx(0.894)
    beyond = linear([1.5, 2.0], ceiling=1.0)
    assert beyond.at(2.0) < 100
    assert beyond.at(1.5) > 0


def test_a_logarithmic_axis_is_even_in_ratios() -> None:
    axis = logarithmic([0.01, 1.0], [0.01, 0.1, 1.0], str)
    low, middle, high = (tick.at for tick in axis.ticks)
    assert middle - low == pytest.approx(high - middle)
    assert 0 < low < high < 100
    one = logarithmic([0.5], [0.5], str)
    assert one.ticks[0].at == pytest.approx(50)


def test_a_logarithmic_axis_ends_where_numbers_do() -> None:
    axis = logarithmic([1.0, 1e300], [1.0], str)
    assert math.isfinite(axis.high)
    assert 0 <= axis.at(1.0) < axis.at(1e300) <= 100
