from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vesalius.features.partial import Partial


def block(start: int, count: int) -> np.ndarray:
    return np.arange(start, start + count, dtype=np.float32)[:, None].repeat(3, 1)


def test_goes_on_where_it_was_kept(tmp_path: Path) -> None:
    first = Partial(tmp_path / "p", "key", 10)
    first.add(block(0, 4))
    first.keep()
    first.add(block(4, 3))  # never kept: a kill loses it
    again = Partial(tmp_path / "p", "key", 10)
    assert again.done == 4
    again.add(block(4, 6))
    again.keep()
    assert again.vectors is not None
    assert np.array_equal(again.vectors, block(0, 10))
    again.discard()
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(("key", "rows", "resume"), [("other", 10, True), ("key", 9, True), ("key", 10, False)])
def test_of_something_else_it_starts_anew(tmp_path: Path, key: str, rows: int, resume: bool) -> None:
    first = Partial(tmp_path / "p", "key", 10)
    first.add(block(0, 4))
    first.keep()
    assert Partial(tmp_path / "p", key, rows, resume).done == 0


@pytest.mark.parametrize("damage", ["done.json", "vectors.npy"])
def test_damaged_it_starts_anew(tmp_path: Path, damage: str) -> None:
    first = Partial(tmp_path / "p", "key", 10)
    first.add(block(0, 4))
    first.keep()
    (tmp_path / "p" / damage).write_bytes((tmp_path / "p" / damage).read_bytes()[:9])
    assert Partial(tmp_path / "p", "key", 10).done == 0
