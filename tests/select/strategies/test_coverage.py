from __future__ import annotations

import numpy as np
import pytest

from tests.measures.test_facility import likeness, value
from tests.select.strategies.neighbourhoods import candidates, made, picked, points
from vesalius.measures import neighbours
from vesalius.select.greedy import Weighted, choose
from vesalius.select.strategy import Fixed


def greedy(whole: np.ndarray, n: int, chosen: list[int], allowed: np.ndarray, weight: np.ndarray | None = None) -> list[int]:
    """By the definition, the whole value anew for each candidate."""
    picks: list[int] = []
    for _ in range(n):
        have = [*chosen, *picks]
        gain = np.asarray([value(whole, [*have, j]) - value(whole, have) if allowed[j] and j not in have else -1 for j in range(len(whole))])
        score = gain if weight is None else np.where(gain > 0, np.maximum(gain, 1e-30) * weight, -1)
        picks.append(int(np.argmax(np.round(score, 5))))
    return picks


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [3, 30])
def test_the_greedy_choice_with_chosen_and_barred_images(seed: int, k: int) -> None:
    vectors = points(50, seed=seed)
    whole = likeness(*neighbours.nearest(vectors, k))
    allowed = np.arange(50) % 7 != 3
    of = candidates(vectors, chosen=[4, 11], allowed=allowed)
    expected = greedy(whole, 10, [4, 11], allowed)
    found, one_by_one = picked("coverage", of, 10, num_nearest_neighbors=k), picked("coverage", of, 10, one_by_one=True, num_nearest_neighbors=k)
    assert found.rows.tolist() == one_by_one.rows.tolist() == expected
    assert np.allclose(found.gain, [told["coverage"]["gain"] for told in one_by_one.reasons])
    assert found.reasons == [{"coverage": told["coverage"]} for told in one_by_one.reasons]
    assert found.reasons[-1]["coverage"]["covered"] == pytest.approx(value(whole, [4, 11, *expected]) / 50, abs=1e-5)
    shuffled = candidates(vectors, np.random.default_rng(seed).permutation(50), chosen=[4, 11], allowed=allowed)
    assert picked("coverage", shuffled, 10, num_nearest_neighbors=k).rows.tolist() == expected


def test_with_another_objective_the_product_decides() -> None:
    vectors, weights = points(40), np.random.default_rng(0).random(40) + 0.1
    whole = likeness(*neighbours.nearest(vectors, 5))
    for strength in (1.0, -1.0):
        of = candidates(vectors)
        parts = [Weighted("c", made("coverage", of, num_nearest_neighbors=5)), Weighted("w", Fixed(weights, of.free), strength)]
        assert choose(of, parts, 12).rows.tolist() == greedy(whole, 12, [], of.free, weights**strength)


def test_the_least_useful_first_by_a_negative_strength_and_all_when_all_are_asked_for() -> None:
    of = candidates(points(30))
    assert picked("coverage", of, 1, strength=-1).rows[0] == np.argmin(made("coverage", of).score())
    assert sorted(picked("coverage", of, 30).rows.tolist()) == list(range(30))
    equal = candidates(np.ones((6, 3), np.float32))
    found = picked("coverage", equal, 3)
    assert found.rows.tolist() == [0, 1, 2]
    assert found.reasons[0]["coverage"]["covered"] == 1
