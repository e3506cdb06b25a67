from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.stats import entropy

from vesalius.measures import selection_quality as quality


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(203, 7)).astype(np.float32)


@pytest.mark.parametrize("cells", [1 << 23, 100])  # one block, many blocks
def test_spread_is_that_of_all_distances(vectors: np.ndarray, cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "_CELLS", cells)
    chosen = np.array([3, 77, 150, 9])
    whole = cdist(vectors.astype(float), vectors[chosen].astype(float))
    which, distance = quality.nearest(vectors, chosen)
    np.testing.assert_array_equal(which, chosen[whole.argmin(1)])
    np.testing.assert_allclose(distance, whole.min(1), atol=1e-6)
    found = quality.spread(vectors, chosen)
    apart = cdist(vectors[chosen].astype(float), vectors[chosen].astype(float)) + np.diag([np.inf] * 4)
    expected = (whole.min(1).max(), whole.min(1).mean(), apart.min(), apart.min(1).mean())
    np.testing.assert_allclose((found.cover_radius, found.mean_nearest, found.min_pair, found.mean_pair), expected, atol=1e-6)


def test_a_single_row_has_no_pair(vectors: np.ndarray) -> None:
    found = quality.spread(vectors, np.array([4]))
    assert np.isnan(found.min_pair)
    assert found.cover_radius == pytest.approx(float(np.linalg.norm(vectors - vectors[4], axis=1).max()), rel=1e-6)


def test_neighbours_are_the_nearest_of_the_rows_asked_about(vectors: np.ndarray) -> None:
    rows = np.arange(10, 60)
    others, distances = quality.neighbours(vectors, rows, 3)
    whole = cdist(vectors[rows], vectors[rows]) + np.diag([np.inf] * 50)
    np.testing.assert_array_equal(others, rows[whole.argsort(1)[:, :3]])
    np.testing.assert_allclose(distances, np.sort(whole, 1)[:, :3], atol=1e-5)


def test_twins_far_from_the_origin_are_found_at_their_distance() -> None:
    """The product's rounding is a thousand times their distance."""
    far = np.random.default_rng(1).normal(size=(30, 16)).astype(np.float32) * 10 + 100
    far[7] = far[21]
    far[7, 0] += 0.01
    others, distances = quality.neighbours(far, np.arange(30), 2)
    (first, second, distance), *_ = quality.closest_pairs(np.arange(30), others, distances, 5)
    assert (first, second) == (7, 21)
    assert distance == pytest.approx(float(abs(far[7, 0] - far[21, 0])), rel=1e-6)


def test_a_pair_is_told_once(vectors: np.ndarray) -> None:
    rows = np.arange(len(vectors))
    pairs = quality.closest_pairs(rows, *quality.neighbours(vectors, rows, 2), 40)
    assert len({pair[:2] for pair in pairs}) == len(pairs) == 40
    assert [pair[2] for pair in pairs] == sorted(pair[2] for pair in pairs)
    np.testing.assert_allclose(pairs[0][2], pdist(vectors).min(), atol=1e-5)


def test_random_selections_are_of_the_free_rows_and_keep_what_is_given() -> None:
    free, given = np.arange(50, 100), np.array([2, 1])
    drawn = quality.at_random(free, 10, 5, seed=3, beside=given)
    assert len(drawn) == 5
    assert len({tuple(one) for one in drawn}) == 5
    for one in drawn:
        assert list(one[:2]) == [2, 1]
        assert len(set(one)) == 12
        assert set(one[2:]) <= set(free)
    np.testing.assert_array_equal(drawn[4], quality.at_random(free, 10, 5, seed=3, beside=given)[4])


def test_pair_distances_are_all_or_drawn(vectors: np.ndarray) -> None:
    rows = np.arange(40)
    np.testing.assert_allclose(np.sort(quality.pair_distances(vectors, rows, 780)), np.sort(pdist(vectors[:40])), atol=1e-5)
    drawn = quality.pair_distances(vectors, np.arange(203), 3000, seed=1)
    assert len(drawn) == 3000
    assert drawn.min() > 0
    assert drawn.mean() == pytest.approx(pdist(vectors).mean(), rel=0.02)
    assert len(quality.pair_distances(vectors, np.array([3]), 10)) == 0


def test_groups_share_their_bins() -> None:
    edges, shares = quality.histogram({"a": np.array([0.0, 1.0, 2.0]), "b": np.array([4.0])}, bins=4)
    np.testing.assert_allclose(edges, [0, 1, 2, 3, 4])
    np.testing.assert_allclose(shares["a"], [1 / 3, 1 / 3, 1 / 3, 0])
    np.testing.assert_allclose(shares["b"], [0, 0, 0, 1])


@pytest.mark.parametrize("counts", [[5, 5, 5], [10, 1, 4], [3, 0, 0]])
def test_evenness_is_entropy_over_its_most(counts: list[int]) -> None:
    assert quality.evenness(np.array(counts)) == pytest.approx(entropy(counts) / np.log(3), abs=1e-12)


def test_evenness_of_one_class_is_not_defined() -> None:
    assert np.isnan(quality.evenness(np.array([4])))
