"""``DEDUPLICATE``: of images nearer to each other than a distance only one may be chosen.

In the order of their names an image is kept unless it is nearer than the distance to one kept before; images chosen already are kept before all.
So which are kept follows from names and embeddings alone, no two of them are near-duplicates, and each image left out has one that stands for it.
(Lightly Studio's de-duplication, and the rule of SemDeDup, Abbas et al. 2023, without its clusters: exact.) A hard condition: its strength is
of no account.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from vesalius.measures.near_pairs import thinned
from vesalius.select.candidates import Candidates
from vesalius.select.strategy import Filter, Strategy, StrategyConfig
from vesalius.select.values import Values, Vectors
from vesalius.training.world import pick_device

TAKES: tuple[type[Any], ...] = (Vectors,)


class Config(StrategyConfig):
    """What can be chosen. Distances are Euclidean: between 0 and 2 where embeddings have unit length."""

    minimum_distance: float = Field(0.1, gt=0, description="Images nearer than this to each other are near-duplicates.")


def build(config: Config, values: Values, candidates: Candidates) -> Strategy:
    """The strategy over ``values``. Raises UserError for objects."""
    assert isinstance(values, Vectors)
    return Deduplicate(config, values.whole("DEDUPLICATE"), candidates)


class Deduplicate(Filter):
    """``pairs`` (P, 2): each image left out and the one that stands for it, rows of the candidates, nearest first, at ``distances`` (P,)."""

    def __init__(self, config: Config, vectors: NDArray[Any], candidates: Candidates) -> None:
        stay = np.sort(candidates.chosen)
        with candidates.terminal.bar("Near-duplicates") as bar:
            found = thinned(vectors, config.minimum_distance, stay=stay, among=np.flatnonzero(candidates.free), device=pick_device("auto"), progress=bar)
        out = np.flatnonzero(found.of >= 0)
        out = out[np.argsort(found.apart[out], kind="stable")]
        self.pairs, self.distances = np.stack([out, found.of[out]], 1), found.apart[out]
        if len(out):
            candidates.terminal.say(f"{len(out):,} of {len(candidates):,} images are nearer than {config.minimum_distance:g} to another and are left out.")
        super().__init__(found.of < 0)
