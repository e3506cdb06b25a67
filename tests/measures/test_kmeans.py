from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vesalius.measures import kmeans


def blobs(counts: list[int], dim: int = 6, apart: float = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(len(counts)), counts)
    return (apart * rng.normal(size=(len(counts), dim))[of] + rng.normal(size=(len(of), dim))).astype(np.float32), of


def same_parts(one: np.ndarray, other: np.ndarray) -> bool:
    return len({(a, b) for a, b in zip(one, other)}) == len(set(one)) == len(set(other))


def test_blobs_are_found() -> None:
    vectors, of = blobs([30, 50, 20, 40])
    found = kmeans.fit(vectors, 4, seed=1)
    assert same_parts(found.of, of)
    assert sorted(found.sizes) == [20, 30, 40, 50]
    assert np.allclose(found.distance, np.linalg.norm(vectors - found.centres[found.of], axis=1), atol=1e-4)
    for cluster in range(4):
        assert np.allclose(found.centres[cluster], vectors[found.of == cluster].mean(0), atol=1e-4)


def test_as_good_as_scikit_learns() -> None:
    from sklearn.cluster import KMeans

    vectors, _ = blobs([40] * 12, apart=2, seed=3)
    ours = [float((kmeans.fit(vectors, 12, seed=seed, iterations=100).distance ** 2).sum()) for seed in range(5)]
    theirs = [KMeans(12, n_init=1, random_state=seed).fit(vectors).inertia_ for seed in range(5)]
    assert np.mean(ours) < 1.1 * np.mean(theirs)


def test_it_ends_where_scikit_learn_ends_from_the_same_centres() -> None:
    from sklearn.cluster import KMeans

    vectors, _ = blobs([50] * 5, apart=1.5, seed=4)
    found = kmeans.fit(vectors, 5, seed=0, iterations=200)
    again = KMeans(5, init=found.centres, n_init=1, max_iter=1, tol=0).fit(vectors)
    assert np.array_equal(again.labels_, found.of)
    assert np.allclose(again.cluster_centers_, found.centres, atol=1e-4)


def test_the_same_seed_gives_the_same_and_blocks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, _ = blobs([100] * 6, apart=1, seed=5)
    whole = kmeans.fit(vectors, 9, seed=2)
    assert np.array_equal(whole.of, kmeans.fit(vectors, 9, seed=2).of)
    np.save(tmp_path / "v.npy", vectors)
    monkeypatch.setattr(kmeans, "_CELLS", 9 * 50)
    mapped = kmeans.fit(np.load(tmp_path / "v.npy", mmap_mode="r"), 9, seed=2)
    assert np.array_equal(whole.of, mapped.of)


def test_equal_vectors_make_as_many_clusters_as_there_are() -> None:
    assert len(kmeans.fit(np.ones((9, 3), np.float32), 4).centres) == 1
    pairs = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    found = kmeans.fit(pairs, 7)
    assert sorted(found.sizes) == [5, 5, 5]
    assert found.distance.max() < 1e-6
    with pytest.raises(ValueError, match="10 clusters"):
        kmeans.fit(np.ones((9, 3), np.float32), 10)


def test_an_emptied_cluster_goes_where_a_vector_is_far() -> None:
    vectors = np.float32([[0], [1], [10], [11], [100]])
    lost = kmeans.Clusters(np.float32([[5], [999]]), np.zeros(5, np.int64), np.float32([5, 4, 5, 6, 95]))
    assert kmeans._moved(vectors, lost)[1, 0] == 100


def test_many_clusters_are_seeded_in_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kmeans, "_ROUNDS", 4)
    monkeypatch.setattr(kmeans, "_SAMPLE", 300)
    vectors, of = blobs([40] * 16, apart=30, seed=6)
    found = kmeans.fit(vectors, 32, seed=0)
    assert len(found.centres) == 32
    assert all(len(set(of[found.of == cluster])) <= 1 for cluster in range(32))


def test_levels_lie_within_one_another_and_resampling_evens_them() -> None:
    vectors, of = blobs([600, 20, 20, 20, 20], apart=6, seed=7)
    told: list[tuple[int, int]] = []
    low, high = kmeans.hierarchy(vectors, [20, 5], seed=0, resampling=5, progress=lambda done, total: told.append((done, total)))
    assert low.of.shape == (680,)
    assert high.of.shape == (len(low.centres),)
    assert (low.sizes > 0).all()
    assert (high.sizes > 0).all()
    assert told[-1] == (12, 12)
    plain = kmeans.hierarchy(vectors, [20, 5], seed=0, resampling=0)[0]

    def rare(found: kmeans.Clusters) -> int:
        """Clusters of the four small blobs."""
        return len(set(found.of[of > 0]) - set(found.of[of == 0]))

    assert rare(low) > rare(plain)
    again = kmeans.hierarchy(vectors, [20, 5], seed=0, resampling=5)
    assert np.array_equal(again[0].of, low.of)
    assert np.array_equal(again[1].of, high.of)
