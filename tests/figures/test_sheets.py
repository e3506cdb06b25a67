"""Sheets and tables: every word inside the sheet and beside the others, equal bytes for equal input, sizes as asked."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vesalius.figures import coloured, grid, heat_table, png
from vesalius.figures.canvas import Canvas, fitted
from vesalius.figures.sheets import laid
from vesalius.figures.tables import laid as laid_table
from vesalius.figures.words import width_of, wrapped

LONG = "random init of tf_efficientnet_lite0.in1k-with-a-name-that-nobody-would-give@320"
PIXELS = np.random.default_rng(1).integers(0, 256, (28, 28, 3), dtype=np.uint8)
SHEETS: dict[str, tuple[Any, ...]] = {
    "1 x 1": ([[PIXELS]], [], [], [], (0.0, 0.013, "magma", "a title of the bar that is far longer than the only tile there is")),
    "20 x 8": ([[PIXELS] * 8] * 20, [LONG] * 20, [LONG, "b", "c d e"] * 3, [["83.1 %", LONG]] * 20, (-1.0, 1e6, "viridis", "score")),
    "holes": ([[PIXELS, None], [None, None], []], ["a", "b", LONG], ["a"], [], None),
    "grey": ([[PIXELS[..., 0], PIXELS[..., :1]]], [], ["(H, W)", "(H, W, 1)"], [["W" * 60]], (2.0, 2.0, "cividis", "")),
}


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def well_laid(canvas: Canvas) -> None:
    """Every box inside the sheet, no words on words, none on pictures but in cells, and nothing drawn on the rim."""
    boxes = [one[0] for one in canvas.lines] + [one[0] for one in canvas.upright]
    for left, top, right, bottom in boxes + [box for box, _ in canvas.pictures]:
        assert left >= canvas.margin
        assert top >= canvas.margin
        assert right <= canvas.width - canvas.margin
        assert bottom <= canvas.height - canvas.margin
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (one, other)
    drawn = np.asarray(canvas.drawn())
    rim = np.ones(drawn.shape[:2], dtype=bool)
    rim[4:-4, 4:-4] = False
    assert (drawn[rim] == 255).all(), "ink beyond a word's box"


@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize("tile", [64, 160])
def test_no_word_of_a_sheet_is_cut_or_covered(name: str, tile: int) -> None:
    pictures, rows, columns, captions, bar = SHEETS[name]
    canvas = laid(pictures, rows, columns, captions=captions, bar=bar, tile=tile)
    well_laid(canvas)
    on_pictures = [
        words
        for (left, top, right, bottom), words, *_ in canvas.lines
        for (x0, y0, x1, y1), _ in canvas.pictures
        if left < x1 and x0 < right and top < y1 and y0 < bottom
    ]
    assert on_pictures == []
    said = "".join(words for _, words, *_ in canvas.lines)
    for text in (*rows, *columns[: len(pictures[0])], *(text for row in captions for text in row)):
        assert text.replace(" ", "")[-20:] in said.replace(" ", ""), "all of a title is there"


def test_equal_input_gives_equal_bytes_with_nothing_beside_the_pixels() -> None:
    pictures, rows, columns, captions, bar = SHEETS["holes"]
    first, again = (grid(pictures, rows, columns, captions=captions, bar=bar) for _ in range(2))
    assert first == again
    assert opened(first).info == {}
    table = [heat_table([[0.1, np.nan]], ["a"], ["b", "c"], "title") for _ in range(2)]
    assert table[0] == table[1]
    assert opened(table[0]).info == {}


def test_a_sheet_shows_its_pictures_in_their_places() -> None:
    canvas = laid([[PIXELS, None, PIXELS[:14]]], [], [], captions=[], bar=None, tile=84)
    (first, large), (second, half) = canvas.pictures
    assert large.shape == (84, 84, 3)
    assert half.shape == (42, 84, 3)
    assert second[0] - first[0] == 2 * 88
    assert second[1] - first[1] == 21, "in the middle of its row"
    assert (large[1::3, 1::3] == PIXELS).all(), "small pictures keep their pixels"
    assert (np.asarray(canvas.drawn())[first[1] : first[3], first[0] : first[2]] == large).all()


def test_large_pictures_are_shrunk_smoothly() -> None:
    stripes = np.zeros((400, 200, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    found = fitted(stripes, 100)
    assert found.shape == (100, 50, 3)
    assert abs(found[10:-10, 10:-10].astype(float) - 127.5).max() < 12


def test_a_table_shows_its_numbers_on_their_colours() -> None:
    values = np.array([[0.0, 1.0, np.nan], [0.25, -3.0, 0.5]])
    canvas = laid_table(values, ["first", LONG], [LONG, "two", "resized_crop"], "A title " * 30, 0.0, 1.0, "viridis", 2)
    well_laid(canvas)
    said = [words for _, words, *_ in canvas.lines]
    assert {"0.00", "1.00", "0.25", "-3.00", "0.50"} <= set(said)
    assert "nan" not in said
    cells = [picture for _, picture in canvas.pictures[:6]]
    assert (cells[1] == coloured([[1.0]], 0, 1)[0, 0]).all()
    assert (cells[4] == coloured([[0.0]], 0, 1)[0, 0]).all(), "below the least is the first colour"
    assert len(np.unique(cells[2].reshape(-1, 3), axis=0)) == 2, "what is no number is hatched"
    inks = {words: ink for _, words, _, ink in canvas.lines}
    assert inks["-3.00"] == (255, 255, 255)


def test_a_table_of_one_cell_and_of_one_hundred_and_sixty() -> None:
    well_laid(laid_table(np.array([[0.5]]), [""], [""], "", 0.0, 1.0, "cividis", 0))
    many = np.random.default_rng(2).normal(size=(20, 8)) * 1000
    well_laid(laid_table(many, [LONG] * 20, [LONG] * 8, "t", -3000.0, 3000.0, "inferno", 4))


def test_titles_of_many_columns_are_read_upwards() -> None:
    few, many = (laid_table(np.zeros((2, n)), ["a", "b"], ["posterisation"] * n, "t", 0.0, 1.0, "viridis", 2) for n in (4, 19))
    well_laid(many)
    assert not few.upright
    assert [line for _, line in many.upright] == ["posterisation"] * 19
    assert many.width < 1100, "the words are read where a page shows 900 pixels of it"


def test_words_are_broken_behind_their_joints_and_none_is_lost() -> None:
    for width in (20, 70, 300):
        lines = wrapped(LONG, 13, width)
        assert "".join(lines).replace(" ", "") == LONG.replace(" ", "")
        assert all(width_of(line, 13) <= width for line in lines)
    assert wrapped("resized_crop", 13, 80) == ["resized_", "crop"]
    assert wrapped("shift -0.25, +1,000 px", 13, 60) == ["shift", "-0.25,", "+1,000", "px"]
    assert wrapped("", 13, 80) == []


def test_a_picture_alone_keeps_its_pixels() -> None:
    assert (np.asarray(opened(png(PIXELS))) == PIXELS).all()
    for grey in (PIXELS[..., 0], PIXELS[..., :1]):
        found = opened(png(grey))
        assert found.mode == "L"
        assert (np.asarray(found) == PIXELS[..., 0]).all()
    assert png(PIXELS) == png(PIXELS.copy())
