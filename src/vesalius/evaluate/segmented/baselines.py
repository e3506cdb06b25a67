"""Two answers without a network, to stand beside a segmenter: the most frequent label, and clusters of intensity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vesalius.data.volumes.volume_store import VolumeStore
from vesalius.measures.segmentation import counts, dice
from vesalius.tasks.sliding import prepared

_VOLUMES, _BINS, _ROUNDS = 24, 2048, 200


@dataclass(frozen=True)
class Baselines:
    """Learnt from training volumes. ``majority``: the most frequent label. ``edges`` (L,) divide intensities, as the network sees them,
    into L + 1 clusters, and ``labels`` (L + 1,) is the label of each.
    """

    majority: int
    edges: NDArray[np.float64]
    labels: NDArray[np.int64]

    def clustered(self, store: VolumeStore, row: int) -> NDArray[np.uint8]:
        """The label of each stored voxel (x, y, z) of record ``row`` by its intensity alone."""
        return self.labels[np.searchsorted(self.edges, intensities(store, row))].astype(np.uint8)


def baselines(store: VolumeStore, rows: NDArray[np.int64], classes: int) -> Baselines:
    """K-means with as many clusters as labels on all voxels of the first training volumes ``rows``; clusters and labels are
    matched one to one so that their Dice on these volumes is greatest (Kuhn, 1955).
    """
    from scipy.optimize import linear_sum_assignment

    chosen = rows[:_VOLUMES]
    values = [intensities(store, int(row)) for row in chosen]
    low, high = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    edges_of_bins = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    histogram = np.sum([np.histogram(v, edges_of_bins)[0] for v in values], axis=0)
    edges = _kmeans((edges_of_bins[1:] + edges_of_bins[:-1]) / 2, histogram.astype(np.float64), classes)
    truths = [store.mask(int(row)) for row in chosen]
    frequent = np.sum([np.bincount(t.ravel(), minlength=classes)[:classes] for t in truths if t is not None], axis=0)
    gain = np.zeros((classes, classes))
    for cluster in range(classes):
        found = np.zeros((classes, 3), np.int64)
        for value, truth in zip(values, truths, strict=True):
            assert truth is not None
            there = np.searchsorted(edges, value) == cluster
            for label in range(classes):
                found[label] += counts(there.astype(np.uint8), (truth == label).astype(np.uint8), 2)[1]
        gain[cluster] = np.nan_to_num(dice(found))
    return Baselines(int(frequent.argmax()), edges, linear_sum_assignment(gain, maximize=True)[1].astype(np.int64))


def intensities(store: VolumeStore, row: int) -> NDArray[np.float32]:
    """Record ``row`` (x, y, z) as a network sees it."""
    whole = np.stack([np.zeros(3, np.int64), store.extents[row]])[None, None]
    found: NDArray[np.float32] = prepared(store.read(np.array([[row]]), whole))[0, 0, 0].numpy()
    return found


def _kmeans(values: NDArray[np.float64], weights: NDArray[np.float64], clusters: int) -> NDArray[np.float64]:
    """Borders between ``clusters`` of weighted numbers in order, from quantiles on (Lloyd, 1982); there is no chance in it."""
    share = np.cumsum(weights) / weights.sum()
    centres = np.interp((np.arange(clusters) + 0.5) / clusters, share, values)
    centres += np.linspace(0, 1e-6, clusters) * (values[-1] - values[0])  # where half of all voxels are alike
    for _ in range(_ROUNDS):
        borders = (centres[1:] + centres[:-1]) / 2
        member = np.searchsorted(borders, values)
        held = np.bincount(member, weights, clusters)
        moved = np.where(held > 0, np.bincount(member, weights * values, clusters) / np.maximum(held, 1e-12), centres)
        if np.allclose(moved, centres, atol=1e-9):
            break
        centres = np.sort(moved)
    borders = (centres[1:] + centres[:-1]) / 2
    return np.asarray(borders, np.float64)
