"""What may be chosen stands in the order of names, whatever order it came in."""

from __future__ import annotations

import numpy as np
import pytest

from vesalius.errors import UserError
from vesalius.select.candidates import Candidates


def test_rows_vectors_and_chosen_follow_the_names() -> None:
    given = Candidates.of(["c", "a", "b"], np.asarray([[3.0], [1.0], [2.0]]), chosen=[0])
    assert given.names.tolist() == ["a", "b", "c"]
    assert given.embedded()[:, 0].tolist() == [1.0, 2.0, 3.0]
    assert given.chosen.tolist() == [2]
    assert given.free.tolist() == [True, True, False]


def test_vectors_in_order_are_not_copied() -> None:
    vectors = np.zeros((2, 3))
    assert Candidates.of(["a", "b"], vectors).vectors is vectors


def test_the_allowed_are_free_unless_chosen() -> None:
    assert Candidates.of(["a", "b", "c"], allowed=np.asarray([True, False, True]), chosen=[2]).free.tolist() == [True, False, False]


def test_names_unsorted_or_twice_are_a_mistake_of_ours() -> None:
    for names in (["b", "a"], ["a", "a"]):
        with pytest.raises(ValueError, match="sorted"):
            Candidates(np.asarray(names))


def test_vectors_that_do_not_fit_and_missing_ones_are_said() -> None:
    with pytest.raises(UserError, match="3 vectors for 2 images"):
        Candidates.of(["a", "b"], None).__class__(np.asarray(["a", "b"]), np.zeros((3, 2)))
    with pytest.raises(UserError, match="--encoder"):
        Candidates.of(["a"]).embedded()
