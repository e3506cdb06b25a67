"""``HIERARCHICAL_KMEANS``: as many images of each kind, whether it is frequent or rare.

Vo et al., "Automatic Data Curation for Self-Supervised Learning: A Clustering-Based Approach", TMLR 2024, written from the paper: k-means,
k-means of its centres, and so on, each level made even by resampling; then an even number from each cluster, from the highest level down.
Alone that is exact at each number of picks. In a product with others an image scores s (1 + c) / 2: s is the product over its clusters of
1 / (1 + how many more were taken than from the sibling with the least); c in (0, 1] prefers images near their centre, or is drawn. So an
image that is due scores above 1/2, and all others at most that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from vesalius.errors import UserError
from vesalius.measures import kmeans
from vesalius.measures.balanced import Tree
from vesalius.random import digest64
from vesalius.select.candidates import Candidates
from vesalius.select.picks import Picks
from vesalius.select.strategy import Progress, Strategy, StrategyConfig
from vesalius.select.values import Values, Vectors
from vesalius.training.world import pick_device

TAKES: tuple[type[Any], ...] = (Vectors,)


class Config(StrategyConfig):
    """What can be chosen."""

    clusters: Sequence[int] | None = Field(None, description="Clusters of each level, the lowest first, falling; none: see levels_for.")
    resampling: int = Field(3, ge=0, le=100, description="How often each level is made even again.")
    sampling: Literal["hierarchical", "flat"] = Field("hierarchical", description="Even at every level, or among the highest clusters only.")
    prefer: Literal["central", "random"] = Field("central", description="Within a lowest cluster: the image nearest to its centre, or any.")

    @field_validator("clusters")
    @classmethod
    def _falling(cls, given: Sequence[int] | None) -> Sequence[int] | None:
        if given is not None and (not given or min(given) < 1 or any(low <= high for low, high in pairwise(given))):
            raise ValueError("it should be numbers of at least 1 that fall, such as [1000, 100, 10]")
        return given


def levels_for(rows: int) -> list[int]:
    """Twice the square root of the number of images (at most a quarter of it), then a tenth of the level below, while that is at least 5."""
    levels = [max(1, min(rows // 4, round(2 * rows**0.5)))]
    while levels[-1] // 10 >= 5:
        levels.append(levels[-1] // 10)
    return levels


def build(config: Config, values: Values, candidates: Candidates) -> Strategy:
    """The strategy over ``values``. Raises UserError for objects, and for more clusters than images."""
    assert isinstance(values, Vectors)
    return HierarchicalKMeans(config, values.whole("HIERARCHICAL_KMEANS"), candidates)


class HierarchicalKMeans(Strategy):
    """A tree of clusters, and what was taken from each."""

    def __init__(self, config: Config, vectors: NDArray[Any], candidates: Candidates) -> None:
        clusters = list(config.clusters or levels_for(len(vectors)))
        if clusters[0] > len(vectors):
            raise UserError(f"HIERARCHICAL_KMEANS: {clusters[0]:,} clusters are asked for among {len(vectors):,} images. Ask for fewer clusters.")
        with candidates.terminal.bar("Clusters", "steps") as bar:
            levels = kmeans.hierarchy(
                vectors, clusters, seed=candidates.seed, iterations=10, resampling=config.resampling, device=pick_device("auto"), progress=bar
            )  # fmt: skip
        of = [level.of for level in levels]
        if config.sampling == "flat":
            for level in of[1:]:
                of[0] = level[of[0]]
            of = of[:1]
        if config.prefer == "central":
            mean = float(levels[0].distance.mean(dtype=np.float64))
            within = 1 / (1 + levels[0].distance.astype(np.float64) / (mean or 1.0))
        else:
            drawn = [digest64("hierarchical k-means", candidates.seed, str(name)) for name in candidates.names]
            within = (np.asarray(drawn, np.float64) + 1) / 2.0**64
        self._free = candidates.free
        self._tree = Tree(of, self._free, candidates.chosen)
        self._within = (1 + within) / 2
        self._score: NDArray[np.float64] | None = None
        self._told: dict[int, Mapping[str, Any]] = {}

    def score(self) -> NDArray[Any]:
        """Above 1/2 where an image's clusters are due."""
        if self._score is None:
            self._score = self._tree.standing()[self._tree.of] * self._within
        return self._score

    def add(self, row: int) -> None:
        """``row`` was chosen."""
        self._tree.take(row)
        self._score = None

    def reason(self, row: int) -> Mapping[str, Any]:
        """Its clusters from the highest down, and which image of the lowest it is."""
        return self._told.get(row) or {"cluster": "/".join(map(str, self._tree.path(row))), "of it": self._tree.taken_of(row) + 1}

    def alone(self, n: int, progress: Progress) -> Picks | None:
        """The same with a queue for each lowest cluster."""
        free = np.flatnonzero(self._free)
        queue = free[np.lexsort((free, -self._within[free], self._tree.of[free]))]
        leaves = len(self._tree.ancestors[0])
        ends = np.cumsum(np.bincount(self._tree.of[free], minlength=leaves))
        heads = np.concatenate([[0], ends[:-1]])
        rows: list[int] = []
        gains: list[float] = []
        while len(rows) < min(n, len(free)):
            open_ = np.flatnonzero(heads < ends)
            first = queue[heads[open_]]
            score = self._tree.standing()[open_] * self._within[first]
            best = np.flatnonzero(score == score.max())
            row = int(first[best].min())
            rows.append(row)
            gains.append(float(score.max()))
            self._told[row] = self.reason(row)
            heads[self._tree.of[row]] += 1
            self._tree.take(row)
            progress(len(rows), n)
        return Picks.of(rows, gains, stopped="" if len(rows) == n else "every image is chosen")
