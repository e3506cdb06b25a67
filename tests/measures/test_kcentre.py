from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.measures import farthest_search, kcentre
from vesalius.measures.distances import Centres
from vesalius.measures.kcentre import central, farthest_first, one_by_one

KINDS = ("sphere", "clusters", "tight clusters", "three dimensions", "duplicates", "grid", "far from the origin", "outliers")


def cloud(kind: str, rows: int, dim: int = 24, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, dim))
    if kind == "grid":  # nearly all distances are equal to some others
        return rng.integers(0, 3, (rows, 5)).astype(np.float32)
    if kind == "clusters":
        x = rng.standard_normal((40, dim))[rng.integers(0, 40, rows)] + 0.3 * x
    if kind == "tight clusters":
        x = rng.standard_normal((8, dim))[rng.integers(0, 8, rows)] + 1e-4 * x
    if kind == "three dimensions":
        x = x[:, :3] @ rng.standard_normal((3, dim))
    if kind == "duplicates":
        x = x[rng.integers(0, rows // 3, rows)]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    if kind == "far from the origin":
        x = 0.01 * x + 3
    if kind == "outliers":
        x[::97] *= 1000
    return x.astype(np.float32)


def slow(x: np.ndarray, n: int, chosen: list[int], allowed: np.ndarray, least: float) -> list[int]:
    """The definition, with all pairs."""
    wide = x.astype(np.float64)
    squared = np.stack([np.square(wide - row).sum(1) for row in wide])
    all_, picks = list(chosen), []
    for _ in range(n):
        open_ = [row for row in range(len(x)) if allowed[row] and row not in all_]
        if not open_:
            break
        best = max(open_, key=lambda row: (squared[row, all_].min() if all_ else -np.square(wide[row] - wide.mean(0)).sum(), -row))
        if all_ and squared[best, all_].min() ** 0.5 < least:
            break
        picks.append(best)
        all_.append(best)
    return picks


def same(a: kcentre.Farthest, b: kcentre.Farthest) -> None:
    np.testing.assert_array_equal(a.rows, b.rows)
    np.testing.assert_array_equal(a.nearest, b.nearest)
    np.testing.assert_array_equal(a.distance, b.distance)
    assert a.radius == b.radius


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pools and blocks so small that everything happens often."""
    monkeypatch.setattr(farthest_search, "POOL", 8)


@pytest.mark.parametrize("kind", KINDS)
def test_farthest_first_is_one_by_one(kind: str, small: None) -> None:
    x = cloud(kind, 400)
    same(farthest_first(x, 120), one_by_one(x, 120))


@pytest.mark.parametrize("kind", KINDS)
def test_in_double_precision_too(kind: str, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farthest_search, "RIVALS", 1)
    x = cloud(kind, 300)
    same(farthest_first(x, 80), one_by_one(x, 80))


def test_five_thousand_points_as_exact_greedy() -> None:
    for kind in ("sphere", "clusters", "three dimensions"):
        x = cloud(kind, 5000, 16)
        same(farthest_first(x, 300), one_by_one(x, 300))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 14), st.integers(0, 2**20), st.integers(1, 16), st.booleans(), st.floats(0, 3), st.integers(0, 3))
def test_small_cases_by_all_pairs(rows: int, seed: int, n: int, grid: bool, least: float, preselected: int) -> None:
    rng = np.random.default_rng(seed)
    x = (rng.integers(0, 3, (rows, 2)) if grid else rng.standard_normal((rows, 2))).astype(np.float32)
    chosen = rng.permutation(rows)[:preselected]
    allowed = rng.random(rows) < 0.8
    expected = slow(x, n, chosen.tolist(), allowed, least)
    for way in (one_by_one, farthest_first):
        found = way(x, n, chosen=chosen, allowed=allowed, least=least)
        assert found.rows.tolist() == expected


def test_what_is_said_of_each_pick() -> None:
    x = cloud("clusters", 300)
    found = farthest_first(x, 50, chosen=np.array([7, 3]))
    for number, row in enumerate(found.rows):
        before = np.concatenate([[7, 3], found.rows[:number]])
        apart = np.linalg.norm(x[before].astype(np.float64) - x[row], axis=1)
        assert found.distance[number] == pytest.approx(apart.min(), abs=1e-12)
        assert found.nearest[number] == before[apart.argmin()]
    assert all(later <= earlier for earlier, later in pairwise(found.distance))
    rest = np.linalg.norm(x[:, None].astype(np.float64) - x[np.concatenate([[7, 3], found.rows])], axis=2).min(1)
    assert found.radius == pytest.approx(rest.max(), abs=1e-12)


def test_order_of_rows_changes_nothing() -> None:
    x = cloud("clusters", 500)
    order = np.random.default_rng(1).permutation(500)
    np.testing.assert_array_equal(order[farthest_first(x[order], 100).rows], farthest_first(x, 100).rows)


def test_near_duplicates_are_as_near_as_they_are() -> None:
    x = np.concatenate([cloud("far from the origin", 50), cloud("far from the origin", 50)])
    x[50:, 0] += np.float32(1e-6)
    found = farthest_first(x, 100)
    exact = np.abs(x[50:, 0].astype(np.float64) - x[:50, 0])
    assert (found.distance[50:] > 0).all()
    np.testing.assert_allclose(sorted(found.distance[50:]), sorted(exact), rtol=1e-12)


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "mapped"])
def test_every_precision_and_files(kind: str, tmp_path) -> None:
    x = cloud("clusters", 200)
    if kind == "mapped":
        np.save(tmp_path / "x.npy", x.astype(np.float16))
        given_ = np.load(tmp_path / "x.npy", mmap_mode="r")
    else:
        given_ = x.astype(kind)
    same(farthest_first(given_, 60), one_by_one(np.asarray(given_, np.float64), 60))


def test_doubles_that_single_precision_cannot_tell_apart(small: None) -> None:
    x = np.random.default_rng(0).standard_normal((60, 3)) * 1e-9 + 1
    same(farthest_first(x, 30), one_by_one(x, 30))


def test_the_end() -> None:
    x = cloud("sphere", 20)
    found = farthest_first(x, 30)
    assert sorted(found.rows) == list(range(20))
    assert found.radius == 0
    assert np.isnan(farthest_first(x, 0).radius)
    assert len(farthest_first(x, 5, allowed=np.zeros(20, bool)).rows) == 0
    stopped = farthest_first(x, 20, least=float(found.distance[5]))  # a distance equal to the least is far enough
    np.testing.assert_array_equal(stopped.rows, found.rows[:6])
    assert stopped.radius == found.distance[6]
    equal = farthest_first(np.ones((9, 4), np.float32), 9)
    assert equal.rows.tolist() == list(range(9))


def test_the_start() -> None:
    x = cloud("sphere", 100)
    assert central(x) == np.linalg.norm(x - x.mean(0), axis=1).argmin()
    allowed = np.ones(100, bool)
    allowed[central(x)] = False
    assert farthest_first(x, 1, allowed=allowed).rows[0] != central(x)
    assert farthest_first(x, 1, start=17).rows[0] == 17


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    farthest_first(cloud("sphere", 50), 10, progress=lambda done, total: told.append((done, total)))
    assert told == [(number, 10) for number in range(1, 11)]


@pytest.mark.parametrize("kind", ["sphere", "clusters"])
def test_most_distances_are_never_measured(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, measured, plain = cloud(kind, 8000, 64), [0], Centres.least

    def counted(self: Centres, block: torch.Tensor, lengths: torch.Tensor, first: int = 0, last: int | None = None) -> torch.Tensor:
        measured[0] += len(block) * ((len(self.numbers) if last is None else last) - first)
        return plain(self, block, lengths, first, last)

    monkeypatch.setattr(Centres, "least", counted)
    farthest_first(x, 400)
    assert measured[0] < 0.5 * 8000 * 400
