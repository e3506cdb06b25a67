from __future__ import annotations

import numpy as np
import pytest

from tests.select.strategies.neighbourhoods import candidates, made, picked, points
from vesalius.errors import UserError
from vesalius.registry import entry
from vesalius.select.candidates import Objects
from vesalius.select.greedy import Weighted, choose
from vesalius.select.values import Vectors


def slow(vectors: np.ndarray, query: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy.spatial.distance import cdist

    distance = cdist(vectors, query).min(1)
    return np.exp(-distance / np.median(distance[distance > 1e-9])), distance


def test_the_nearest_to_the_query_first_and_one_of_it_scores_one() -> None:
    vectors = points()
    query = np.concatenate([vectors[[7]], points(2, seed=5)])
    expected, distance = slow(vectors, query)
    of = candidates(vectors)
    found = picked("similarity", of, 60, query=query)
    assert found.rows.tolist() == np.argsort(distance, kind="stable").tolist()
    assert found.rows[0] == 7
    assert found.gain[0] == 1
    assert np.allclose(found.gain, expected[found.rows], atol=1e-5)
    assert found.reasons[3]["similarity"]["distance to the query"] == pytest.approx(np.sort(distance)[3], abs=1e-5)
    assert picked("similarity", of, 9, query=query, one_by_one=True).rows.tolist() == found.rows[:9].tolist()
    assert picked("similarity", of, 9, query=query, strength=-1).rows.tolist() == found.rows[::-1][:9].tolist()
    shuffled = candidates(vectors, np.random.default_rng(0).permutation(60), chosen=[7], allowed=np.arange(60) != found.rows[1])
    assert picked("similarity", shuffled, 9, query=query).rows.tolist() == found.rows[2:11].tolist()


def test_any_scale_and_a_query_of_all() -> None:
    vectors = points()
    query = points(3, seed=5)
    scores = made("similarity", candidates(vectors), query).score()
    assert np.allclose(scores, made("similarity", candidates(1000 * vectors), 1000 * query).score(), atol=1e-5)
    assert (made("similarity", candidates(vectors), vectors).score() == 1).all()


def test_the_most_similar_object_of_an_image_counts() -> None:
    vectors, owner = points(50, seed=2), np.random.default_rng(0).integers(0, 9, 50)  # the tenth image has no object
    query = points(4, seed=3)
    of = candidates(points(10))
    module = entry("strategies", "similarity")
    strategy = module.build(module.Config(), Vectors(objects=Objects(vectors, owner), query=query), of)
    nearest = np.asarray([slow(vectors, query)[1][owner == image].min(initial=np.inf) for image in range(10)])
    assert np.allclose(strategy.score(), np.exp(-nearest / np.median(nearest[:9])), atol=1e-5)
    found = choose(of, [Weighted("similarity", strategy)], 10)
    assert found.rows[-1] == 9
    assert found.reasons[-1]["similarity"] == {"similarity": 0.0}


def test_without_a_query_it_says_how_to_give_one() -> None:
    with pytest.raises(UserError, match="query"):
        made("similarity", candidates(points(4)))
