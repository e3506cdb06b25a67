"""Lengths of time as people, InnerEye and Slurm write them."""

from __future__ import annotations

import pytest

from vesalius.errors import UserError
from vesalius.submit.durations import seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.5h", 12600),
        ("90m", 5400),
        ("2D", 172800),
        ("45s", 45),
        ("30", 1800),
        ("12:30", 750),
        ("1:00:00", 3600),
        ("1-12", 129600),
        ("1-12:30", 131400),
        ("2-00:00:10", 172810),
    ],
)
def test_a_length_of_time(text: str, expected: int) -> None:
    assert seconds(text, "--time") == expected


@pytest.mark.parametrize("text", ["", "soon", "3.5", "-1h", "0", "0h", "1:2:3:4", "h"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(UserError, match=r"--time is .* Give a length of time"):
        seconds(text, "--time")
