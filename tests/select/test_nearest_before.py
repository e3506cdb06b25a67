from __future__ import annotations

import numpy as np
import pytest

from vesalius.measures import distances
from vesalius.select.candidates import Candidates
from vesalius.select.nearest_before import nearest_before
from vesalius.select.picks import Picks


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32) + 20


@pytest.mark.parametrize("chosen", [(), (3, 9)])
@pytest.mark.parametrize("block", [1024, 4])
def test_each_pick_is_told_of_the_nearest_before_it(vectors: np.ndarray, chosen: tuple[int, ...], block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "ROWS", block)
    candidates = Candidates.of([f"{n:02d}" for n in range(60)], vectors, chosen=chosen)
    rows = np.random.default_rng(1).permutation(np.setdiff1d(np.arange(60), chosen))[:15]
    found = nearest_before(Picks.of(rows, np.ones(15)), candidates)
    for number, row in enumerate(rows):
        before = [*chosen, *rows[:number]]
        if not before:
            assert found.nearest[number] == -1
            assert np.isnan(found.distance[number])
            continue
        away = np.linalg.norm(vectors[before].astype(float) - vectors[row].astype(float), axis=1)
        assert found.nearest[number] == before[int(away.argmin())]
        assert found.distance[number] == pytest.approx(away.min(), abs=1e-5)


def test_what_a_strategy_said_stays_and_without_vectors_nothing_is_said(vectors: np.ndarray) -> None:
    said = Picks.of([1, 2], [1.0, 1.0], nearest=np.array([-1, 1]), distance=np.array([np.nan, 7.0]))
    names = [f"{n:02d}" for n in range(60)]
    assert nearest_before(said, Candidates.of(names, vectors)) is said
    blind = Picks.of([1, 2], [1.0, 1.0])
    assert nearest_before(blind, Candidates.of(names)) is blind
