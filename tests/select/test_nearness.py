"""The neighbour graph of a selection is computed once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vesalius.measures import neighbours
from vesalius.select.candidates import Candidates
from vesalius.select.nearness import graph
from vesalius.select.selection import SelectionConfig, built


def test_coverage_and_typicality_look_at_one_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(0).standard_normal((60, 5)).astype(np.float32)
    direct, asked = neighbours.nearest, []

    def counted(base: Any, k: int, **rest: Any) -> Any:
        asked.append(k)
        return direct(base, k, **rest)

    monkeypatch.setattr(neighbours, "nearest", counted)
    kinds = ({"type": "TYPICALITY", "num_nearest_neighbors": 4}, {"type": "COVERAGE", "num_nearest_neighbors": 9})
    config = SelectionConfig(n_samples=3, strategies=[{"input": {"type": "EMBEDDINGS"}, "strategy": kind} for kind in kinds])
    candidates = Candidates.of([f"{i:02}" for i in range(60)], vectors)
    built(config, candidates)
    assert asked == [9]
    rows, distances = graph(candidates, vectors, 4)
    assert rows.tolist() == direct(vectors, 4)[0].tolist()
    assert distances.tolist() == direct(vectors, 4)[1].tolist()
    other = vectors[::-1].copy()
    assert graph(candidates, other, 2)[0].tolist() == direct(other, 2)[0].tolist()
