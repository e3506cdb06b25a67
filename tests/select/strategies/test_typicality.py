from __future__ import annotations

import numpy as np
import pytest

from tests.select.strategies.neighbourhoods import candidates, made, picked, points
from vesalius.errors import UserError
from vesalius.registry import entry
from vesalius.select.candidates import Objects
from vesalius.select.greedy import Weighted, choose
from vesalius.select.strategy import Fixed
from vesalius.select.values import Vectors


def slow(vectors: np.ndarray, k: int) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    return np.exp(-NearestNeighbors(n_neighbors=k).fit(vectors).kneighbors()[0].mean(1))


@pytest.mark.parametrize("k", [2, 20])
def test_the_most_typical_first(k: int) -> None:
    vectors = points()
    expected = slow(vectors, k)
    found = picked("typicality", candidates(vectors), 15, num_nearest_neighbors=k)
    assert found.rows.tolist() == np.argsort(-expected, kind="stable")[:15].tolist()
    assert np.allclose(found.gain, expected[found.rows], atol=1e-5)
    assert found.reasons[0]["typicality"] == {"typicality": pytest.approx(expected.max(), abs=1e-5)}
    assert picked("typicality", candidates(vectors), 15, one_by_one=True, num_nearest_neighbors=k).rows.tolist() == found.rows.tolist()
    least = picked("typicality", candidates(vectors), 3, strength=-1, num_nearest_neighbors=k)
    assert least.rows.tolist() == np.argsort(expected, kind="stable")[:3].tolist()


def test_lengths_of_vectors_do_not_matter_and_neighbours_are_cut_to_what_there_is() -> None:
    vectors = points(8)
    one, thousand = (picked("typicality", candidates(scale * vectors), 8) for scale in (1, 1000))
    assert one.rows.tolist() == thousand.rows.tolist()
    assert np.allclose(one.gain, thousand.gain, atol=1e-5)
    assert picked("typicality", candidates(vectors[:1]), 1).gain.tolist() == [1.0]
    assert picked("typicality", candidates(np.zeros((4, 3), np.float32)), 4).gain.tolist() == [1.0] * 4


@pytest.mark.parametrize("one_by_one", [False, True])
def test_no_image_below_the_least_typicality_is_chosen(one_by_one: bool) -> None:
    vectors = points()
    expected = slow(vectors, 20)
    least = float(np.median(expected)) + 1e-4
    found = picked("typicality", candidates(vectors), 60, one_by_one=one_by_one, stopping_condition_minimum_typicality=least)
    assert set(found.rows.tolist()) == set(np.flatnonzero(expected >= least).tolist())
    assert "conditions" in found.stopped


def test_chosen_and_barred_images_count_as_neighbours_and_are_not_taken() -> None:
    vectors = points()
    expected = slow(vectors, 20)
    best = np.argsort(-expected, kind="stable")
    allowed = np.ones(60, bool)
    allowed[best[1]] = False
    found = picked("typicality", candidates(vectors, chosen=best[:1], allowed=allowed), 5)
    assert found.rows.tolist() == best[2:7].tolist()


def test_the_order_of_files_changes_nothing() -> None:
    vectors = points()
    shuffled = candidates(vectors, np.random.default_rng(1).permutation(60))
    assert picked("typicality", shuffled, 10).rows.tolist() == picked("typicality", candidates(vectors), 10).rows.tolist()


def test_with_another_objective_the_product_decides() -> None:
    vectors = points()
    weights = np.random.default_rng(3).random(60)
    of = candidates(vectors)
    found = choose(of, [Weighted("t", made("typicality", of), 2.0), Weighted("w", Fixed(weights, of.free), -0.5)], 60)
    assert found.rows.tolist() == np.argsort(-(slow(vectors, 20) ** 2 * weights**-0.5), kind="stable").tolist()


def test_objects_are_refused() -> None:
    of = candidates(points(4))
    module = entry("strategies", "typicality")
    with pytest.raises(UserError, match="whole images"):
        module.build(module.Config(), Vectors(objects=Objects(points(4), np.arange(4))), of)
