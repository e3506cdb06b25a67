"""The product of objectives, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vesalius.select.candidates import Candidates
from vesalius.select.greedy import Weighted, choose
from vesalius.select.strategy import Filter, Strategy


class Fixed(Strategy):
    """Scores that do not change; ``most`` picks at the most."""

    def __init__(self, scores: list[float], most: int = 10**6) -> None:
        self.scores, self.most, self.seen = np.asarray(scores), most, list[int]()

    def score(self) -> Any:
        return self.scores

    def add(self, row: int) -> None:
        self.seen.append(row)

    def stop(self, row: int) -> str:
        return "enough" if len(self.seen) >= self.most else ""

    def reason(self, row: int) -> dict[str, Any]:
        return {"value": float(self.scores[row])}


NAMES = [f"{i}.png" for i in range(5)]
A, B = [1.0, 4.0, 2.0, 3.0, 5.0], [5.0, 1.0, 4.0, 2.0, 1.1]


def test_one_objective_alone_takes_the_best_in_order() -> None:
    picks = choose(Candidates.of(NAMES), [Weighted("a", Fixed(A))], 3)
    assert picks.rows.tolist() == [4, 1, 3]
    assert picks.gain.tolist() == [5.0, 4.0, 3.0]
    assert picks.reasons[0] == {"a": {"value": 5.0}}


def test_a_negative_strength_takes_the_worst() -> None:
    assert choose(Candidates.of(NAMES), [Weighted("a", Fixed(A), -1.0)], 2).rows.tolist() == [0, 2]


@pytest.mark.parametrize(("s", "t"), [(1.0, 1.0), (2.0, 0.5), (-1.0, 3.0)])
def test_several_are_multiplied_each_to_its_strength(s: float, t: float) -> None:
    for order in (slice(None), slice(None, None, -1)):
        parts = [Weighted("a", Fixed(A), s), Weighted("b", Fixed(B), t)][order]
        picks = choose(Candidates.of(NAMES), parts, 5)
        product = np.asarray(A) ** s * np.asarray(B) ** t
        assert picks.rows.tolist() == np.argsort(-product, kind="stable").tolist()
        assert np.allclose(picks.gain, np.sort(product)[::-1])


def test_scales_of_objectives_do_not_matter() -> None:
    one = choose(Candidates.of(NAMES), [Weighted("a", Fixed(A)), Weighted("b", Fixed(B))], 5).rows
    other = choose(Candidates.of(NAMES), [Weighted("a", Fixed([1000 * x for x in A])), Weighted("b", Fixed([x / 7 for x in B]))], 5).rows
    assert one.tolist() == other.tolist()


def test_a_score_of_nothing_still_lets_the_others_decide() -> None:
    assert choose(Candidates.of(NAMES), [Weighted("z", Fixed([0.0] * 5)), Weighted("b", Fixed(B))], 2).rows.tolist() == [0, 2]


def test_of_equals_the_first_by_name() -> None:
    assert choose(Candidates.of(NAMES), [Weighted("z", Fixed([1.0] * 5))], 3).rows.tolist() == [0, 1, 2]


def test_filters_come_first_and_the_chosen_are_not_chosen_again() -> None:
    kept = Filter(np.asarray([True, True, True, True, False]))
    picks = choose(Candidates.of(NAMES, chosen=[1]), [Weighted("a", Fixed(A)), Weighted("kept", kept)], 5)
    assert picks.rows.tolist() == [3, 2, 0]
    assert picks.stopped


def test_every_strategy_hears_of_every_pick() -> None:
    a, b = Fixed(A), Fixed(B)
    choose(Candidates.of(NAMES), [Weighted("a", a), Weighted("b", b)], 4)
    assert a.seen == b.seen
    assert len(a.seen) == 4


def test_a_strategy_may_end_the_selection_and_says_why() -> None:
    picks = choose(Candidates.of(NAMES), [Weighted("a", Fixed(A, most=2)), Weighted("b", Fixed(B))], 4)
    assert len(picks) == 2
    assert picks.stopped == "enough"


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    choose(Candidates.of(NAMES), [Weighted("a", Fixed(A))], 3, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
