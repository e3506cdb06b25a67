from __future__ import annotations

import numpy as np
import pytest

from vesalius.data.volumes.orientation import axes_of, directions, turn, turned, turned_affine


def affine(letters: str) -> np.ndarray:
    out = np.eye(4)
    out[:3, :3] = 0
    for axis, letter in enumerate(letters):
        along = next(n for n, pair in enumerate(("LR", "PA", "IS")) if letter in pair)
        out[along, axis] = 2.0 if letter in "RAS" else -2.0
    return out


@pytest.mark.parametrize("letters", ["RAS", "LPS", "SRP", "AIL"])
def test_axes_are_named_by_where_they_point(letters: str) -> None:
    assert axes_of(affine(letters)) == letters
    assert sorted(axis for axis, _ in directions(affine(letters))) == [0, 1, 2]


@pytest.mark.parametrize("letters", ["LPS", "SRP", "AIL"])
def test_a_turned_volume_lies_where_it_lay(letters: str) -> None:
    given, values = affine(letters), np.arange(24).reshape(2, 3, 4)
    source, flipped = turn(given, "RAS")
    after, now = turned_affine(given, values.shape, source, flipped), turned(values, source, flipped)
    assert axes_of(after) == "RAS"
    for at in np.ndindex(now.shape):
        place = after @ [*at, 1]
        old = np.round(np.linalg.solve(given, place))[:3].astype(int)
        assert values[tuple(old)] == now[at]


def test_native_is_left_as_it_is() -> None:
    assert turn(affine("LPS"), "native") == ((0, 1, 2), (False, False, False))
