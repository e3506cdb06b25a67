"""Boxes widened and cut, and grids of tiles, against their definitions pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.measures.boxes import inside, padded, tiles

SIDE = st.integers(1, 200)
INNER = st.tuples(SIDE, SIDE).flatmap(
    lambda size: st.tuples(st.just(size), st.integers(0, size[0] - 1), st.integers(0, size[1] - 1)).flatmap(
        lambda at: st.tuples(st.just(at[0]), st.just((at[1], at[2])), st.integers(1, at[0][0] - at[1]), st.integers(1, at[0][1] - at[2]))
    )
)


@given(INNER, st.floats(0, 3))
def test_padding_adds_its_share_and_stays_inside(made: tuple[tuple[int, int], tuple[int, int], int, int], padding: float) -> None:
    size, (x, y), width, height = made
    (left, top, wide, high) = padded(np.array([(x, y, width, height)]), np.array([size]), padding)[0].tolist()
    assert left >= 0
    assert top >= 0
    assert left + wide <= size[0]
    assert top + high <= size[1]
    assert left <= x
    assert top <= y
    assert left + wide >= x + width
    assert top + high >= y + height
    assert wide <= width * (1 + padding) + 2
    assert high <= height * (1 + padding) + 2
    huge = padded(np.array([(x + 1000, y + 1000, width, height)]), np.array([(10_000, 10_000)]), padding)[0]
    assert abs(huge[2] - width * (1 + padding)) < 2, "w and h grow by the share, half on either side"
    assert abs((huge[0] + huge[2] / 2) - (x + 1000 + width / 2)) <= 1, "about the same centre"


@given(INNER)
def test_without_padding_a_box_of_whole_pixels_is_itself(made: tuple[tuple[int, int], tuple[int, int], int, int]) -> None:
    size, (x, y), width, height = made
    assert padded(np.array([(x, y, width, height)]), np.array([size]))[0].tolist() == [x, y, width, height]
    shares = np.array([x / size[0], y / size[1], width / size[0], height / size[1]]).round(6) * np.tile(size, 2)
    assert padded(shares[None], np.array([size]))[0].tolist() == [x, y, width, height], "six digits, as YOLO writes them, cost no pixel"
    assert inside(np.array([(x, y, width, height)]), np.array([size])).tolist() == [True]


@pytest.mark.parametrize(("box", "expected"), [
    ((-5, -5, 10, 10), [0, 0, 5, 5]), ((18, 8, 10, 10), [18, 8, 2, 2]), ((30, 3, 4, 4), [20, 3, 0, 4]), ((-9, 0, 5, 5), [0, 0, 0, 5]),
    ((3.2, 4.6, 2.5, 1.0), [3, 4, 3, 2]), ((0, 0, 0.01, 0.01), [0, 0, 1, 1]),
])  # fmt: skip
def test_boxes_at_the_border(box: tuple[float, ...], expected: list[int]) -> None:
    assert padded(np.array([box]), np.array([(20, 10)]))[0].tolist() == expected
    assert inside(np.array([box]), np.array([(20, 10)]))[0] == (min(box[:2]) >= 0 and box[0] + box[2] <= 20 and box[1] + box[3] <= 10)


@given(st.integers(1, 120), st.integers(1, 120), st.integers(1, 6), st.integers(1, 6), st.floats(0, 0.9))
def test_tiles_cover_the_image(width: int, height: int, rows: int, columns: int, overlap: float) -> None:
    found = tiles(width, height, rows, columns, overlap)
    seen = np.zeros((height, width), int)
    for x, y, wide, high in found.tolist():
        assert wide >= 1
        assert high >= 1
        assert x + wide <= width
        assert y + high <= height
        seen[y : y + high, x : x + wide] += 1
    assert seen.min() >= 1
    assert len({tuple(one) for one in found.tolist()}) == len(found) <= rows * columns
    if overlap == 0:
        assert seen.max() == 1, "a grid without overlap shows each pixel once"


@given(st.integers(60, 900), st.integers(2, 6), st.floats(0, 0.8))
def test_neighbours_share_what_was_asked_for(width: int, columns: int, overlap: float) -> None:
    found = tiles(width, 10, 1, columns, overlap)
    assert len(found) == columns
    sides = found[:, 2]
    assert np.ptp(sides) <= 1
    shared = found[:-1, 0] + found[:-1, 2] - found[1:, 0]
    assert np.abs(shared - overlap * sides.mean()).max() <= 2


def test_the_grid_of_the_documents_task() -> None:
    assert tiles(640, 480, 2, 3).tolist() == [
        [0, 0, 213, 240], [213, 0, 214, 240], [427, 0, 213, 240], [0, 240, 213, 240], [213, 240, 214, 240], [427, 240, 213, 240],
    ]  # fmt: skip
    assert len(tiles(2, 1, 3, 3)) == 2, "an image of few pixels has fewer tiles"
