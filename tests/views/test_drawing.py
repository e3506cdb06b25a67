from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from vesalius.views.batch import Draws
from vesalius.views.drawing import drawn


class Views:
    """Keeps what it was asked."""

    def draw(self, *words: Any, **more: Any) -> Draws:
        self.words, self.more = words, more
        return Draws.__new__(Draws)


def test_a_stores_facts_of_the_rows_are_handed_on() -> None:
    store = SimpleNamespace(ids=np.array([7, 8, 9], np.uint64), extents=np.array([[1, 2], [3, 4], [5, 6]]))
    views = Views()
    drawn(views, store, np.array([2, 0]), seed=4, epoch=5, draw=6)
    seed, epoch, rows, ids, extents, draw = views.words
    assert (seed, epoch, draw) == (4, 5, 6)
    assert ids.tolist() == [9, 7]
    assert extents.tolist() == [[5, 6], [1, 2]]
    assert rows.tolist() == [2, 0]
    assert views.more == {}


def test_a_store_that_knows_where_something_is_says_it() -> None:
    store = SimpleNamespace(ids=np.zeros(3), extents=np.zeros((3, 2)), ground=lambda rows: rows + 1)
    views = Views()
    drawn(views, store, np.array([1]))
    assert views.more["ground"].tolist() == [2]
