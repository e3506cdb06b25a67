from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from tests.tasks.memory_volumes import MemoryVolumes
from vesalius.evaluate.segmented import baselines


class Labelled(MemoryVolumes):
    """Label 0 is dark, 2 bright, 1 between."""

    def mask(self, row: int) -> np.ndarray:
        return np.digitize(self.images[row][0], [300, 700]).astype(np.uint8)


def plain(function: Any) -> Any:
    return getattr(function, "__wrapped__", function)


def test_clusters_of_intensity_find_what_intensity_tells(monkeypatch: Any) -> None:
    rng = np.random.default_rng(0)
    means = rng.choice([100, 500, 900], (2, 1, 8, 8, 8), p=[0.4, 0.35, 0.25])
    store: Any = Labelled((means + rng.integers(-40, 40, means.shape)).astype(np.uint16))
    monkeypatch.setattr(baselines, "intensities", plain(baselines.intensities))
    found = plain(baselines.baselines)(store, np.arange(2), 3)
    assert found.majority == 0
    assert (np.diff(found.edges) > 0).all()
    clustered = found.labels[np.searchsorted(found.edges, store.images[0][0] / 1000)]
    np.testing.assert_array_equal(clustered, store.mask(0))


def _within(values: np.ndarray, weights: np.ndarray, edges: np.ndarray) -> float:
    member = np.searchsorted(edges, values)
    parts = [(values[member == c], weights[member == c]) for c in range(len(edges) + 1)]
    return float(sum((w * (v - np.average(v, weights=w)) ** 2).sum() for v, w in parts if w.sum()))


def test_no_division_is_better() -> None:
    rng = np.random.default_rng(1)
    for clusters in (2, 3, 4):
        for _ in range(8):
            values, weights = np.sort(rng.normal(size=9)), rng.integers(0, 5, 9).astype(float) + np.eye(9)[0]
            all_ways = [(values[list(cut)] + values[np.array(cut) - 1]) / 2 for cut in combinations(range(1, 9), clusters - 1)]
            found = _within(values, weights, baselines._kmeans(values, weights, clusters))
            assert found <= min(_within(values, weights, each) for each in all_ways) + 1e-9


def test_a_background_of_most_voxels_is_one_cluster() -> None:
    """Lloyd's rounds from quantiles divide it, and leave two tissues as one."""
    values, weights = np.array([0.0, 0.02, 0.5, 0.52, 1.0]), np.array([400.0, 250.0, 100.0, 100.0, 150.0])
    np.testing.assert_array_equal(np.searchsorted(baselines._kmeans(values, weights, 3), values), [0, 0, 1, 1, 2])
