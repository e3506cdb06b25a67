"""The farthest image next: against definitions, whichever way it is computed."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.select.strategies.neighbourhoods import candidates, made, picked, points
from vesalius.measures.kcentre import one_by_one
from vesalius.registry import entry
from vesalius.select.candidates import Candidates, Objects
from vesalius.select.greedy import Weighted, choose
from vesalius.select.strategy import Filter, Fixed
from vesalius.select.values import Vectors


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("start", ["central", "first", "random"])
def test_alone_is_one_by_one(start: str, strict: bool) -> None:
    fields = {"start": start, "stopping_condition_minimum_distance": 0.55 if strict else None}
    allowed = np.random.default_rng(3).random(150) < 0.9
    for chosen in ([], [5, 17]):
        of = candidates(points(150), chosen=chosen, allowed=allowed, seed=4)
        fast, slow = picked("diversity", of, 60, **fields), picked("diversity", of, 60, one_by_one=True, **fields)
        np.testing.assert_array_equal(fast.rows, slow.rows)
        np.testing.assert_array_equal(fast.nearest, slow.nearest)
        np.testing.assert_array_equal(fast.distance, slow.distance)
        assert fast.stopped == slow.stopped
        assert bool(fast.stopped) == strict
        assert allowed[fast.rows].all()


def test_it_is_exact_greedy_k_centre_on_five_thousand_points() -> None:
    x = points(5000, 32)
    found = picked("diversity", candidates(x), 200)
    np.testing.assert_array_equal(found.rows, one_by_one(x, 200).rows)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**20), st.floats(0.05, 1.5))
def test_no_pair_is_nearer_than_the_minimum(seed: int, least: float) -> None:
    x = points(50, 3, seed)
    found = picked("diversity", candidates(x, chosen=[1]), 50, stopping_condition_minimum_distance=least)
    apart = np.linalg.norm(x[:, None].astype(np.float64) - x[np.append(found.rows, 1)], axis=2)
    pairs = apart[np.append(found.rows, 1)]
    assert (pairs[~np.eye(len(pairs), dtype=bool)] >= least).all()
    if found.stopped:  # and no other image could be added
        assert "nearer than" in found.stopped
        assert apart.min(1).max() < least


@pytest.mark.parametrize("start", ["central", "first", "random"])
def test_order_of_files_changes_nothing(start: str) -> None:
    x = points(120)
    given_ = [candidates(x, order, seed=9) for order in (None, np.random.default_rng(1).permutation(120))]
    first, second = (of.names[picked("diversity", of, 30, start=start).rows].tolist() for of in given_)
    assert first == second


def test_starts() -> None:
    x = points(80)
    of = candidates(x)
    assert picked("diversity", of, 1).rows[0] == np.linalg.norm(x - x.mean(0), axis=1).argmin()
    assert picked("diversity", of, 1, start="first").rows[0] == 0
    drawn = {int(picked("diversity", candidates(x, seed=seed), 1, start="random").rows[0]) for seed in range(8)}
    assert len(drawn) > 3
    assert picked("diversity", candidates(x, seed=3), 1, start="random").rows[0] in drawn


def test_reasons_name_the_nearest_chosen_image() -> None:
    x = points(60)
    found = picked("diversity", candidates(x, chosen=[4]), 3)
    for number, row in enumerate(found.rows):
        before = np.append(4, found.rows[:number])
        apart = np.linalg.norm(x[before].astype(np.float64) - x[row], axis=1)
        assert found.nearest[number] == before[apart.argmin()]
        assert found.distance[number] == pytest.approx(apart.min(), abs=1e-12)
        assert found.gain[number] == found.distance[number]


def test_the_end_of_the_pool_is_said() -> None:
    assert picked("diversity", candidates(points(10)), 11).stopped == "every image is chosen"


@pytest.mark.parametrize("chosen", [[], [5]])
def test_beside_hard_conditions_it_is_still_done_at_once(chosen: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    of = candidates(points(120), chosen=chosen)
    kept = np.random.default_rng(0).random(120) < 0.6

    def both(*more: Weighted):
        return choose(of, [Weighted("f", Filter(kept)), Weighted("d", made("diversity", of)), *more], 80)

    slow = both(Weighted("indifferent", Fixed(np.ones(120), of.free), 0.0))
    monkeypatch.setattr(sys.modules[choose.__module__], "_product", None)  # one by one would need it
    fast = both()
    np.testing.assert_array_equal(fast.rows, slow.rows)
    np.testing.assert_array_equal(fast.distance, slow.distance)
    assert fast.stopped == slow.stopped == "every image is chosen"
    assert kept[fast.rows].all()


def test_with_weights_it_is_the_product() -> None:
    x, weight = points(40), np.random.default_rng(0).random(40) + 0.1
    of = candidates(x, chosen=[3])
    found = choose(of, [Weighted("d", made("diversity", of), 2.0), Weighted("w", Fixed(weight, of.free), -0.5)], 10)
    picks = [3]
    for row in found.rows:
        apart = np.linalg.norm(x[:, None].astype(np.float64) - x[picks], axis=2).min(1)
        score = apart**2 / weight**0.5
        score[picks] = -1
        assert row == score.argmax()
        picks.append(int(row))


def objects_of(rows: int, per: int, dim: int = 4, seed: int = 0) -> Objects:
    rng = np.random.default_rng(seed)
    owner = rng.permutation(np.repeat(np.arange(rows), rng.integers(0, per + 1, rows)))
    return Objects(rng.standard_normal((len(owner), dim)).astype(np.float32), owner)


def by_definition(objects: Objects, images: int, n: int, chosen: list[int]) -> list[int]:
    wide, picks = objects.vectors.astype(np.float64), []
    for _ in range(n):
        taken = np.isin(objects.owner, chosen + picks)
        scores = np.zeros(images)
        for image in range(images):
            own = wide[objects.owner == image]
            if len(own) and taken.any():
                scores[image] = np.linalg.norm(own[:, None] - wide[taken], axis=2).min(1).mean()
            elif len(own):
                scores[image] = 1 / (1 + np.square(own - wide.mean(0)).sum(1).mean())
        scores[chosen + picks] = -1
        picks.append(int(scores.argmax()))
    return picks


def of_objects(objects: Objects, of: Candidates, n: int, **fields):
    module = entry("strategies", "diversity")
    return choose(of, [Weighted("d", module.build(module.Config(**fields), Vectors(objects=objects), of))], n)


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 25), st.integers(1, 4), st.integers(0, 2**20), st.booleans())
def test_objects_by_definition(images: int, per: int, seed: int, before: bool) -> None:
    objects, chosen = objects_of(images, per, seed=seed), [0] if before else []
    if not len(objects.owner):
        return
    of = Candidates.of([f"{i:03}" for i in range(images)], chosen=chosen)
    n = images - len(chosen)
    assert of_objects(objects, of, n).rows.tolist() == by_definition(objects, images, n, chosen)


def test_images_without_objects_come_last_and_never_with_a_minimum_distance() -> None:
    objects = Objects(np.eye(3, dtype=np.float32), np.array([4, 1, 4]))
    of = Candidates.of(list("abcde"))
    found = of_objects(objects, of, 5)
    assert found.rows.tolist()[2:] == [0, 2, 3]
    assert found.reasons[1]["d"] == {"objects": 1 if found.rows[1] == 1 else 2, "mean distance": pytest.approx(2**0.5)}
    stopped = of_objects(objects, of, 5, stopping_condition_minimum_distance=0.1)
    assert sorted(stopped.rows) == [1, 4]
    assert "nearer than 0.1" in stopped.stopped


@pytest.mark.parametrize("size", ["_DIFFERENCES", "_DOUBLE"])
def test_large_collections_are_measured_by_products(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from vesalius.measures import nearest_centre

    x, objects = points(200, 8), objects_of(60, 3, 8)
    of, images = candidates(x), Candidates.of([f"{i:03}" for i in range(60)])
    plain = picked("diversity", of, 40, one_by_one=True).rows, of_objects(objects, images, 30).rows
    monkeypatch.setattr(nearest_centre, "_DIFFERENCES", 0)
    if size == "_DOUBLE":
        monkeypatch.setattr(nearest_centre, "_DOUBLE", 0)
    np.testing.assert_array_equal(picked("diversity", of, 40, one_by_one=True).rows, plain[0])
    np.testing.assert_array_equal(of_objects(objects, images, 30).rows, plain[1])
