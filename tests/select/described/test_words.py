from __future__ import annotations

from vesalius.select.described.words import verdict


def test_what_was_chosen_stands_first_with_why_there_are_no_more() -> None:
    assert verdict(5, 1000, 0, "", {}, [], {}) == ["5 of 1,000 images are selected."]
    assert verdict(5, 1000, 20, "all are alike", {}, [], {}) == ["5 of 1,000 images are selected, beside 20 that were selected before: all are alike."]
