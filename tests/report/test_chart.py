from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.report.chart import Chart, Line, thin
from vesalius.report.ticks import linear


def _chart(line: Line) -> Chart:
    return Chart("Loss", linear([0, 10], pad=0.0), linear([0, 1], pad=0.0), [line], "summary")


def test_points_stand_where_their_values_say() -> None:
    line = Line("a", [(0, 0), (5, 1), (10, 0.5)])
    assert _chart(line).path(line) == "M0.0 1000.0L500.0 0.0L1000.0 500.0"
    data = json.loads(_chart(line).data())["lines"][0]
    assert data["px"] == [0, 50, 100]
    assert data["py"] == [100, 0, 50]


def test_a_lone_point_is_a_dot_and_no_line() -> None:
    line = Line("a", [(5, 0.5)])
    assert _chart(line).path(line) == ""
    assert _chart(line).dots(line) == "M500.0 500.0h0.01"


def test_spans_are_whiskers_or_one_closed_band() -> None:
    spans = [(0.0, 0.0, 1.0), (10.0, 0.5, 1.0)]
    whiskers = Line("a", [(0, 0.5), (10, 0.7)], spans=spans)
    assert _chart(whiskers).whiskers(whiskers) == "M0.0 1000.0L0.0 0.0M1000.0 500.0L1000.0 0.0"
    assert _chart(whiskers).area(whiskers) == ""
    band = Line("a", [(0, 0.5), (10, 0.7)], spans=spans, band=True)
    assert _chart(band).area(band) == "M0.0 0.0L1000.0 0.0L1000.0 500.0L0.0 1000.0Z"
    assert _chart(band).whiskers(band) == ""


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(1, 60))
def test_thinning_keeps_the_mean_the_range_and_the_last_step(values: list[float], limit: int) -> None:
    points = [(float(n), value) for n, value in enumerate(values)]
    means, spans = thin(points, limit)
    assert len(means) == min(limit, len(points))
    assert means[-1][0] == points[-1][0]
    assert [x for x, _ in means] == sorted({x for x, _ in means})
    if not spans:
        assert means == points
        return
    assert min(low for _, low, _ in spans) == min(values)
    assert max(high for _, _, high in spans) == max(values)
    assert all(low - 1e-6 <= y <= high + 1e-6 for (_, y), (_, low, high) in zip(means, spans))


def test_thinning_averages_neighbours() -> None:
    means, spans = thin([(0, 1), (1, 3), (2, 10), (3, 20)], 2)
    assert means == [(1, 2.0), (3, 15.0)]
    assert spans == [(1, 1, 3), (3, 10, 20)]


def test_no_number_of_a_path_is_outside_its_box() -> None:
    line = Line("a", [(-5, 9), (20, -9)])
    numbers = [float(n) for n in re.findall(r"-?\d+\.\d+", _chart(line).path(line))]
    assert min(numbers) == 0
    assert max(numbers) == pytest.approx(1000)
