"""Taking from a tree of clusters evenly, one by one: hierarchical sampling of Vo et al. 2024, each prefix of which is even too.

Their algorithm asks of each cluster, from the highest level down, for as much as of its siblings, or for all it has. Taken one by one that is: of
the clusters of a level under one parent that still have something, always one from which least was taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Tree:
    """Counts of what was taken and what is left in each cluster of each level."""

    def __init__(self, levels: Sequence[NDArray[np.int64]], free: NDArray[np.bool_], taken: NDArray[np.int64]) -> None:
        """``levels[0]`` (N,) the lowest cluster of each row, ``levels[1]`` the cluster of each of those, and so on. ``free`` (N,): rows to take
        from; ``taken``: rows taken before.
        """
        self.of = levels[0]
        sizes = [int(level.max()) + 1 for level in levels]
        self._parents = [*levels[1:], np.zeros(sizes[-1], np.int64)]
        self._above = [*sizes[1:], 1]
        self.ancestors = [np.arange(sizes[0])]
        for parent in levels[1:]:
            self.ancestors.append(parent[self.ancestors[-1]])
        self._taken = [np.bincount(up[self.of[taken]], minlength=size) for up, size in zip(self.ancestors, sizes, strict=True)]
        self._left = [np.bincount(up[self.of[free]], minlength=size) for up, size in zip(self.ancestors, sizes, strict=True)]

    def take(self, row: int) -> None:
        """``row`` is taken."""
        leaf = self.of[row]
        for up, taken, left in zip(self.ancestors, self._taken, self._left, strict=True):
            taken[up[leaf]] += 1
            left[up[leaf]] -= 1

    def standing(self) -> NDArray[np.float64]:
        """``(leaves,)`` the product over levels of 1 / (1 + how many more were taken from it than from the sibling with the least): 1 where it is due."""
        product = np.ones(len(self.ancestors[0]))
        for up, parents, above, taken, left in zip(self.ancestors, self._parents, self._above, self._taken, self._left, strict=True):
            least = np.full(above, np.iinfo(np.int64).max)
            np.minimum.at(least, parents[left > 0], taken[left > 0])
            more = np.where(left > 0, taken - least[parents], 0)
            product /= 1 + more[up]
        return product

    def path(self, row: int) -> list[int]:
        """Its clusters, the highest first."""
        return [int(up[self.of[row]]) for up in reversed(self.ancestors)]

    def taken_of(self, row: int) -> int:
        """How many were taken of its lowest cluster."""
        return int(self._taken[0][self.of[row]])
