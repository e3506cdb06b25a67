from __future__ import annotations

import numpy as np

from tests.select.strategies.neighbourhoods import candidates, made, points
from vesalius.select.greedy import Weighted, choose
from vesalius.select.selection import SelectionConfig, built
from vesalius.terminal import Terminal


def twins(rows: int = 60, copies: int = 30) -> np.ndarray:
    x = points(rows, 8)
    near = x[:copies] + 0.02 * np.random.default_rng(1).standard_normal((copies, 8)).astype(np.float32) / 8**0.5
    return np.concatenate([x, near])


def test_of_near_duplicates_the_first_by_name_stays() -> None:
    x = twins()
    found = made("deduplicate", candidates(x), minimum_distance=0.08)
    barred = found.barred()
    apart = np.linalg.norm(x[:, None].astype(np.float64) - x, axis=2)
    kept: list[int] = []
    for row in range(len(x)):
        if (apart[row, kept] >= 0.08).all():
            kept.append(row)
    assert np.flatnonzero(~barred).tolist() == kept
    assert barred[60:].all()
    assert {tuple(pair) for pair in found.pairs} >= {(60 + i, i) for i in range(30) if i in kept}
    assert (np.diff(found.distances) >= 0).all()


def test_what_is_chosen_already_stays_and_stands_for_its_duplicates() -> None:
    x = twins()
    found = made("deduplicate", candidates(x, chosen=[60]), minimum_distance=0.08)
    assert not found.barred()[60]
    assert found.barred()[0]


def test_an_image_that_may_not_be_chosen_stands_for_none() -> None:
    x = twins()
    allowed = np.ones(len(x), bool)
    allowed[0] = False
    assert not made("deduplicate", candidates(x, allowed=allowed), minimum_distance=0.03).barred()[60]


def test_order_of_files_changes_nothing() -> None:
    x = twins()
    first, second = (candidates(x, order) for order in (None, np.random.default_rng(2).permutation(len(x))))
    barred = [set(of.names[made("deduplicate", of).barred()]) for of in (first, second)]
    assert barred[0] == barred[1]


def test_beside_another_objective_no_two_picks_are_near() -> None:
    x = twins()
    of = candidates(x)
    config = SelectionConfig.model_validate(
        {
            "n_samples": 90,
            "strategies": [
                {"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}},
                {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DEDUPLICATE", "minimum_distance": 0.1}},
            ],
        }
    )
    picks = choose(of, built(config, of), 90)
    apart = np.linalg.norm(x[picks.rows][:, None] - x[picks.rows], axis=2) + 9 * np.eye(len(picks))
    assert apart.min() >= 0.1
    assert picks.stopped
    assert len(picks) == (~made("deduplicate", of).barred()).sum()


def test_it_says_how_many_are_left_out(capsys) -> None:
    x = twins()
    of = candidates(x, terminal=Terminal())
    choose(of, [Weighted("d", made("deduplicate", of, minimum_distance=0.08))], 1)
    assert "are nearer than 0.08 to another and are left out" in capsys.readouterr().err
