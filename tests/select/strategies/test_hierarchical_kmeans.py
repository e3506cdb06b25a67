from __future__ import annotations

import numpy as np
import pytest

from tests.select.strategies.neighbourhoods import candidates, made, picked
from vesalius.errors import UserError
from vesalius.measures import kmeans
from vesalius.registry import entry
from vesalius.select.greedy import Weighted, choose
from vesalius.select.strategy import Filter, Fixed


def unequal(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Five kinds of which one has four of five images."""
    rng = np.random.default_rng(seed)
    kind = rng.permutation(np.repeat(np.arange(5), [200, 20, 15, 10, 5]))
    return (8 * np.eye(5, 6)[kind] + rng.normal(size=(250, 6))).astype(np.float32), kind


FIELDS = {"clusters": [20, 5]}


def test_rare_kinds_get_their_share() -> None:
    vectors, kind = unequal()
    found = picked("hierarchical-kmeans", candidates(vectors), 20, **FIELDS)
    assert np.bincount(kind[found.rows], minlength=5).min() >= 2
    at_random = np.random.default_rng(0).choice(250, 20, replace=False)
    assert np.bincount(kind[at_random], minlength=5).max() > np.bincount(kind[found.rows], minlength=5).max()


@pytest.mark.parametrize("fields", [{}, {"prefer": "random"}, {"sampling": "flat"}, {"resampling": 0}])
def test_at_once_is_one_by_one_and_even_whatever_was_chosen(fields: dict[str, object]) -> None:
    vectors, _ = unequal()
    allowed = np.random.default_rng(1).random(250) < 0.7
    of = candidates(vectors, chosen=[3, 50, 51], allowed=allowed)
    fast, slow = (picked("hierarchical-kmeans", of, 60, one_by_one=one, **FIELDS, **fields) for one in (False, True))
    assert fast.rows.tolist() == slow.rows.tolist()
    assert allowed[fast.rows].all()
    assert not set(fast.rows.tolist()) & {3, 50, 51}
    assert [dict(told["hierarchical-kmeans"]) for told in fast.reasons] == [dict(told["hierarchical-kmeans"]) for told in slow.reasons]
    assert (fast.gain > 0.5).all()
    shuffled = candidates(vectors, np.random.default_rng(0).permutation(250), chosen=[3, 50, 51], allowed=allowed)
    assert picked("hierarchical-kmeans", shuffled, 60, **FIELDS, **fields).rows.tolist() == fast.rows.tolist()
    top = [told["hierarchical-kmeans"]["cluster"].split("/")[0] for told in fast.reasons]
    assert len(set(top[:8])) == 5


def test_each_top_cluster_gives_as_many_or_all_it_has() -> None:
    vectors, _ = unequal(2)
    low, high = kmeans.hierarchy(vectors, [20, 5], seed=0, iterations=10, resampling=3)
    top = high.of[low.of]
    for n in (5, 23, 120):
        taken, sizes = np.bincount(top[picked("hierarchical-kmeans", candidates(vectors), n, **FIELDS).rows], minlength=5), np.bincount(top)
        full = taken == sizes
        assert taken.sum() == n
        assert np.ptp(taken[~full]) <= 1
        assert (taken[full] <= taken[~full].max()).all()


def test_the_central_first_and_all_in_the_end() -> None:
    vectors, _ = unequal()
    of = candidates(vectors)
    levels = kmeans.hierarchy(vectors, [20, 5], seed=0, iterations=10, resampling=3)
    assert picked("hierarchical-kmeans", of, 1, **FIELDS).rows[0] == levels[0].distance.argmin()
    assert sorted(picked("hierarchical-kmeans", of, 250, **FIELDS).rows.tolist()) == list(range(250))


def test_with_others_it_is_a_factor() -> None:
    vectors, kind = unequal()
    of = candidates(vectors)
    strategy = made("hierarchical-kmeans", of, **FIELDS)
    weights = np.random.default_rng(0).random(250)
    first = int(np.argmax(strategy.score() ** 2 * weights))
    barred = Filter(np.arange(250) != first)
    found = choose(of, [Weighted("k", strategy, 2.0), Weighted("w", Fixed(weights, of.free)), Weighted("t", barred)], 20)
    assert first not in found.rows
    alone = choose(of, [Weighted("w", Fixed(weights, of.free))], 20)
    assert np.bincount(kind[found.rows], minlength=5).max() < np.bincount(kind[alone.rows], minlength=5).max()


def test_levels_by_rule_and_what_cannot_be_asked() -> None:
    module = entry("strategies", "hierarchical-kmeans")
    assert [module.levels_for(n) for n in (1, 12, 364, 5000, 1_000_000)] == [[1], [3], [38], [141, 14], [2000, 200, 20]]
    assert picked("hierarchical-kmeans", candidates(np.ones((9, 3), np.float32)), 4).rows.tolist() == [0, 1, 2, 3]
    with pytest.raises(UserError, match="1,000 clusters"):
        made("hierarchical-kmeans", candidates(unequal()[0]), clusters=[1000, 10])
    for wrong in ([], [10, 10], [5, 10], [10, 0]):
        with pytest.raises(ValueError, match="fall"):
            module.Config(clusters=wrong)
