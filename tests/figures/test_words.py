from __future__ import annotations

import pytest

from vesalius.figures.words import line_height, size_for, widest_piece, width_of, wrapped


def test_lines_are_not_wider_than_they_may_be_and_nothing_is_lost() -> None:
    text = "whitened_cosine of resnet50 on chest-radiographs, 0.123 to 0.456"
    for width in (60, 120, 400):
        lines = wrapped(text, 13, width)
        assert all(width_of(line, 13) <= width for line in lines)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert wrapped(text, 13, 10_000) == [text]


def test_a_number_stays_whole_where_it_fits() -> None:
    assert "0.123" in wrapped("value 0.123", 13, width_of("0.123", 13))
    assert widest_piece("a 0.123456", 13) == width_of("0.123456", 13)


def test_paragraphs_stay_apart_and_nothing_is_no_line() -> None:
    assert wrapped("a\nb", 13, 100) == ["a", "b"]
    assert wrapped("", 13, 100) == []


@pytest.mark.parametrize(("width", "size"), [(100, 13), (1500, 20), (10_000, 26)])
def test_words_grow_with_the_sheet_within_bounds(width: int, size: int) -> None:
    assert size_for(width) == size
    assert line_height(size) > size
