"""What docs/decisions/0015-matching.md states of the hash: real radiographs are found again, and not taken for others."""

from __future__ import annotations

from pathlib import Path

from docs import matching_numbers as page
from tests.data_sets import require
from vesalius.data.perceptual import DISTANCE


def test_copies_are_found_and_nothing_else(tmp_path: Path) -> None:
    """JPEG DICOM, quality 75 and 95, 10 % smaller and larger, against PNG among 500 others; 50 are not there. The proof has
    twice as many copies."""
    found = page.copies(tmp_path, require("pneumoniamnist"), each=40, strangers=50)
    assert (found["copies"], found["others"], found["strangers"]) == (200, 500, 50)
    assert found["recall"] >= 0.99
    assert found["false"] == 0
    assert found["farthest"] <= DISTANCE // 2 + 8


def test_the_search_is_right() -> None:
    assert page.timed(200, 3000)["all_right"]
