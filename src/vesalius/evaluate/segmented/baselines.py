"""Two answers without a network, to stand beside a segmenter: the most frequent label, and clusters of intensity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vesalius.data.volumes.volume_store import VolumeStore
from vesalius.measures.segmentation import counts, dice
from vesalius.tasks.sliding import prepared

_VOLUMES, _BINS = 24, 2048


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
    """Borders between ``clusters`` of weighted numbers in order, of all the ones with the least squares within (Wang and Song, 2011).

    Lloyd's rounds would end where they began to: from quantiles, a background of most voxels is divided and two tissues are one.
    """
    weight, total, square = (np.concatenate([[0.0], np.cumsum(each)]) for each in (weights, weights * values, weights * values**2))
    held = np.maximum(weight[None, 1:] - weight[:-1, None], 1e-12)
    within = square[None, 1:] - square[:-1, None] - (total[None, 1:] - total[:-1, None]) ** 2 / held
    within[np.tril_indices(len(values), -1)] = np.inf  # [first, last] of a cluster
    least, begins, ways = within[0], [], np.empty_like(within[1:])
    for _ in range(clusters - 1):  # one cluster more: the last of them begins at each place, what is before it is as good as can be
        np.add(least[:-1, None], within[1:], out=ways)
        best = ways.argmin(0)
        begins.append(best + 1)
        least = np.take_along_axis(ways, best[None], 0)[0]
    first, last = np.empty(clusters, np.int64), len(values)
    for cluster in range(clusters - 1, -1, -1):
        first[cluster] = begins[cluster - 1][last - 1] if cluster else 0
        last = first[cluster]
    ends = np.append(first[1:], len(values))
    there = weight[ends] - weight[first]
    middle = (values[first] + values[ends - 1]) / 2
    centres = np.where(there > 0, (total[ends] - total[first]) / np.maximum(there, 1e-12), middle)
    return np.asarray((centres[1:] + centres[:-1]) / 2, np.float64)
