from __future__ import annotations

import pytest

from vesalius.evaluate.transformed import grids


def test_nothing_that_changes_nothing_is_on_a_grid() -> None:
    assert (0.0, 0.0) not in grids.plane([-1.0, 0.0, 1.0])
    assert len(grids.plane([-1.0, 0.0, 1.0])) == 8
    assert grids.powers(-1, 1, 0.5) == pytest.approx((0.5, 2**-0.5, 2**0.5, 2))


def test_a_grid_is_thinned_evenly() -> None:
    assert grids.thinned(range(10), 3) == (0, 4, 9)
    assert grids.thinned([1.0, 2.0], 5) == (1.0, 2.0)
    assert grids.thinned([1.0, 2.0, 3.0], 1) == (2.0,)


def test_boxes_stay_inside_the_image() -> None:
    found = grids.boxes([0.25, 0.5])
    assert len(found) == 10
    assert all(top >= 0 and left >= 0 and top + height <= 1 and left + width <= 1 for top, left, height, width in found)  # type: ignore[union-attr,misc]


def test_ends_are_on_a_line_and_not_on_the_originals() -> None:
    assert grids.line(0, 1, 3) == (0.0, 0.5, 1.0)
    assert grids.up_to(0, 1, 2) == (0.0, 0.5)
    assert len(grids.bends([0.1, 0.2], 0.05, 3)) == 6


@pytest.mark.parametrize(("made", "count"), [(grids.original_shifts, 16), (grids.original_shears, 16), (grids.original_boxes, 16), (grids.original_zooms, 7)])
def test_the_originals_grids_have_as_many_as_asked_where_that_is_a_power(made: object, count: int) -> None:
    assert len(made(count)) == count  # type: ignore[operator]
    assert len(set(made(count))) == count  # type: ignore[operator]
