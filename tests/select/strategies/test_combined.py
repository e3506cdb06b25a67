"""Several objectives at once, against an enumeration that knows none of the code: product of powers, thresholds first, ties by name."""

from __future__ import annotations

import numpy as np
import pytest

from tests.select.strategies.conditions import chosen, names, numbers, one_hot, slowly
from vesalius.select.values import Vectors

SIZE = 14


def problem(seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(SIZE, 3)).astype(np.float32)
    return {"vectors": vectors, "worth": rng.uniform(0.1, 1, SIZE), "cost": rng.integers(1, 6, SIZE).astype(float), "sharp": rng.uniform(0, 1, SIZE),
            "class": rng.choice(["a", "b", "c"], SIZE)}  # fmt: skip


def parts(made):
    return [
        ("diversity", {"strength": 1.5}, Vectors(made["vectors"])),
        ("weights", {"strength": -0.7}, numbers(made["worth"])),
        ("balance", {"target": {"a": 0.5, "b": 0.3}, "strength": 2.0}, one_hot(made["class"].tolist())),
        ("target-range", {"max_sum": 22}, numbers(made["cost"])),
        ("threshold", {"threshold": 0.2, "operation": "BIGGER_EQUAL"}, numbers(made["sharp"])),
    ]


def enumerated(made, n, before):
    shares = np.asarray([0.5, 0.3, 0.2])
    held = np.stack([made["class"] == c for c in "abc"], 1).astype(float)

    def open_(taken, i):
        return made["sharp"][i] >= 0.2 and made["cost"][[*taken, i]].sum() <= 22

    def cost(taken, i):
        p = held[[*taken, i]].sum(0) / (len(taken) + 1)
        return 0.5 * ((p - shares) ** 2).sum() * (len(taken) + 1) ** 2

    def value(taken, i):
        apart = min(float(np.linalg.norm(made["vectors"][i].astype(float) - made["vectors"][j])) for j in taken)
        least = min(cost(taken, j) for j in range(SIZE) if j not in taken)
        worth = made["worth"][i] / made["worth"].max()
        return apart**1.5 * worth**-0.7 * (1 / (1 + cost(taken, i) - least)) ** 2

    return slowly(n, SIZE, value, before, open_)


@pytest.mark.parametrize("seed", range(8))
def test_all_of_them_by_enumeration_in_whatever_order(seed):
    made, before = problem(seed), [3, 8]
    expected = enumerated(made, 6, before)
    assert len(expected) >= 3
    for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]):
        listed = parts(made)
        picks = chosen(6, [listed[i] for i in order], size=SIZE, preselected=before)
        assert picks.rows.tolist() == expected
        assert bool(picks.stopped) == (len(expected) < 6)


@pytest.mark.parametrize("strength", [0.0, 1e-9])
def test_a_strength_of_nothing_changes_nothing(strength):
    made = problem(1)
    with_it = chosen(5, [parts(made)[0], ("weights", {"strength": strength}, numbers(made["worth"]))], size=SIZE, preselected=[0])
    assert with_it.rows.tolist() == chosen(5, [parts(made)[0]], size=SIZE, preselected=[0]).rows.tolist()


def test_reasons_say_what_each_objective_saw():
    made = problem(2)
    picks = chosen(3, parts(made), size=SIZE, preselected=[0])
    said = picks.reasons[0]
    row = int(picks.rows[0])
    assert said["weights 1"] == {"value": made["worth"][row]}
    assert said["balance 2"]["holds"] == {("the rest" if made["class"][row] == "c" else str(made["class"][row])): 1.0}
    assert said["target-range 3"]["sum"] == made["cost"][[0, row]].sum()
    assert picks.nearest[0] == 0
    assert names(SIZE)[row] not in str(said)
