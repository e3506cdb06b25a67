"""Candidates for tests of the strategies that look at neighbours, and selections of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from vesalius.registry import entry
from vesalius.select.candidates import Candidates
from vesalius.select.greedy import Weighted, choose
from vesalius.select.picks import Picks
from vesalius.select.strategy import Fixed, Strategy
from vesalius.select.values import Vectors


def points(rows: int = 60, dim: int = 5, seed: int = 0) -> np.ndarray:
    """Blobs of unequal size on the unit sphere."""
    rng = np.random.default_rng(seed)
    found = 3 * rng.normal(size=(4, dim))[rng.integers(0, 4, rows) % rng.integers(1, 5)] + rng.normal(size=(rows, dim))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def candidates(vectors: np.ndarray, order: Any = None, *, chosen: Any = (), **rest: Any) -> Candidates:
    """Named by their row, given in ``order``."""
    order = np.arange(len(vectors)) if order is None else np.asarray(order)
    place = np.argsort(order)
    return Candidates.of([f"{i:05}.png" for i in order], vectors[order], chosen=[int(place[i]) for i in chosen], **rest)


def made(name: str, of: Candidates, query: np.ndarray | None = None, **fields: Any) -> Strategy:
    """The strategy ``name`` over whole images."""
    module = entry("strategies", name)
    return module.build(module.Config(**fields), Vectors(of.vectors, query=query), of)  # type: ignore[no-any-return]


def picked(name: str, of: Candidates, n: int, *, one_by_one: bool = False, strength: float = 1.0, **fields: Any) -> Picks:
    """``n`` of them. ``one_by_one``: the fast way is kept from being taken by a second objective without a preference."""
    more = [Weighted("indifferent", Fixed(np.ones(len(of)), of.free), 0.0)] if one_by_one else []
    return choose(of, [Weighted(name, made(name, of, **fields), strength), *more], n)
