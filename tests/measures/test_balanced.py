from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.measures.balanced import Tree


def filled(sizes: list[int], total: int) -> list[int]:
    """The most even numbers, at most ``sizes``, that add up to ``total``: sorted within equal sizes they are unique."""
    taken = [0] * len(sizes)
    for _ in range(total):
        open_ = [i for i, size in enumerate(sizes) if taken[i] < size]
        taken[min(open_, key=lambda i: taken[i])] += 1
    return taken


def even(taken: np.ndarray, sizes: np.ndarray) -> bool:
    """Whether ``taken`` is as even as ``sizes`` allow."""
    return sorted(taken) == sorted(filled(list(sizes), int(taken.sum())))


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(5, 60), leaves=st.integers(2, 12), tops=st.integers(1, 4), seed=st.integers(0, 99))
def test_each_prefix_is_even_at_every_level(rows: int, leaves: int, tops: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    of = np.unique(rng.integers(0, leaves, rows) ** 2, return_inverse=True)[1]
    up = np.unique(rng.integers(0, tops, of.max() + 1), return_inverse=True)[1]
    free = np.ones(rows, bool)
    tree = Tree([of, up], free.copy(), np.empty(0, np.int64))
    sizes = np.bincount(up[of])
    for _ in range(rows):
        standing = tree.standing()[of]
        due = np.flatnonzero(free & (standing == 1))
        assert len(due)
        row = int(rng.choice(due))
        free[row] = False
        tree.take(row)
        taken = np.bincount(up[of[~free]], minlength=len(sizes))
        assert even(taken, sizes)
        for top in range(len(sizes)):
            under = np.flatnonzero(up == top)
            assert even(np.bincount(of[~free], minlength=of.max() + 1)[under], np.bincount(of)[under])


def test_standing_is_how_many_more_were_taken() -> None:
    of, up = np.asarray([0, 0, 0, 1, 1, 2, 2]), np.asarray([0, 0, 1])
    free = np.ones(7, bool)
    free[[0, 1]] = False
    tree = Tree([of, up], free, np.asarray([0, 1]))
    assert tree.standing().tolist() == [1 / 3 / 3, 1 / 3, 1]
    assert tree.path(3) == [0, 1]
    assert tree.taken_of(2) == 2
    for row in (5, 6):
        tree.take(row)
    assert tree.standing()[:2].tolist() == [1 / 3, 1]  # the other has nothing left
