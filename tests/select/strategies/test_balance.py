from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.select.strategies.conditions import chosen, names, numbers, one_hot, slowly
from vesalius.errors import UserError
from vesalius.select.candidates import Candidates
from vesalius.select.strategies.balance import Config, build
from vesalius.select.values import Classes


def counts(picks, classes, before=()):
    return Counter(classes[i] for i in [*before, *picks.rows.tolist()])


def test_shares_of_a_target_are_met_exactly():
    classes = ["sunny"] * 80 + ["cloudy"] * 10 + ["rainy"] * 10
    picks = chosen(10, [("balance", {"target": {"sunny": 0.5, "cloudy": 0.3, "rainy": 0.2}}, one_hot(classes))], size=100)
    assert counts(picks, classes) == {"sunny": 5, "cloudy": 3, "rainy": 2}
    assert picks.reasons[0]["balance 0"]["holds"] == {"sunny": 1.0}
    assert picks.reasons[-1]["balance 0"]["off_target"] == pytest.approx(0, abs=1e-12)


@given(st.lists(st.integers(0, 6), min_size=2, max_size=5).filter(any))
@settings(max_examples=60, deadline=None)
def test_every_target_that_n_images_can_have_is_met_by_n_images(wanted):
    n = sum(wanted)
    classes = [str(c) for c in range(len(wanted)) for _ in range(8)]
    target = {str(c): k / n for c, k in enumerate(wanted)}
    found = counts(chosen(n, [("balance", {"target": target}, one_hot(classes))], size=len(classes)), classes)
    assert [found[str(c)] for c in range(len(wanted))] == wanted


def test_no_other_choice_of_as_many_is_nearer_to_a_target_that_can_be_met():
    classes = ["a"] * 6 + ["b"] * 3 + ["c"] * 2
    shares = {"a": 0.25, "b": 0.5, "c": 0.25}

    def off(rows):
        held = Counter(classes[i] for i in rows)
        return sum((held[c] / len(rows) - shares[c]) ** 2 for c in shares)

    picks = chosen(4, [("balance", {"target": shares}, one_hot(classes))], size=11).rows.tolist()
    assert off(picks) == min(off(rows) for rows in combinations(range(11), 4))


@given(st.integers(0, 10**6), st.sampled_from(["target", "UNIFORM", "INPUT"]), st.booleans())
@settings(max_examples=50, deadline=None)
def test_each_step_is_the_nearest_to_the_target_that_there_is(seed, aim, preselect):
    """Counts of several classes in an image, as detections have them."""
    rng = np.random.default_rng(seed)
    amounts = rng.integers(0, 4, (9, 3)).astype(float)
    amounts[0] = [1, 1, 1]
    before = [2, 5] if preselect else []
    shares = {"target": np.asarray([0.2, 0.5, 0.3]), "UNIFORM": np.full(3, 1 / 3), "INPUT": amounts.sum(0) / amounts.sum()}[aim]
    fields = {"target": dict(zip("xyz", shares.tolist()))} if aim == "target" else {"distribution": aim}
    size = 9 - int((amounts.sum(1) == 0).sum())  # images that hold nothing come last; below they are left out
    picks = chosen(4, [("balance", fields, Classes(list("xyz"), amounts, "cells"))], size=9, preselected=before).rows.tolist()

    def nearness(taken: list[int], i: int) -> float:
        held = amounts[[*taken, i]].sum(0)
        mass = amounts[taken].sum() if taken else 0.0
        mean = amounts.sum() / size
        return -0.5 * float(((held / held.sum() - shares) ** 2).sum()) * ((mass + mean) / mean) ** 2 - 1

    expected = slowly(4, 9, nearness, before, lambda _, i: amounts[i].any())
    if len(expected) == 4:
        assert picks == expected


def test_preselected_images_count():
    classes = ["a"] * 5 + ["b"] * 5
    picks = chosen(4, [("balance", {"distribution": "UNIFORM"}, one_hot(classes))], size=10, preselected=[0, 1, 2, 3])
    assert counts(picks, classes) == {"b": 4}


def test_what_shares_lack_of_one_is_of_all_others_together():
    classes = ["a"] * 9 + ["b"] * 9 + ["c"] * 9
    found = counts(chosen(10, [("balance", {"target": {"a": 0.2}}, one_hot(classes))], size=27), classes)
    assert found["a"] == 2
    assert found["b"] + found["c"] == 8
    without = counts(chosen(10, [("balance", {"target": {"a": 0.4, "b": 0.6}}, one_hot(classes))], size=27), classes)
    assert without == {"a": 4, "b": 6}, "shares of 1 leave nothing for others"


def test_without_other_classes_shares_are_of_what_there_is():
    classes = ["a"] * 9 + ["b"] * 9
    assert counts(chosen(8, [("balance", {"target": {"a": 0.1, "b": 0.3}}, one_hot(classes))], size=18), classes) == {"a": 2, "b": 6}


def test_uniform_and_input_are_over_classes_that_occur():
    values = one_hot(["a"] * 6 + ["b"] * 3)
    values = Classes([*values.names, "never"], np.column_stack([values.amounts, np.zeros(9)]), "x")
    for aim, found in (({"distribution": "UNIFORM"}, {"a": 3, "b": 3}), ({}, {"a": 3, "b": 3}), ({"distribution": "INPUT"}, {"a": 4, "b": 2})):
        assert counts(chosen(6, [("balance", aim, values)], size=9), "aaaaaabbb") == found


def test_an_image_that_holds_nothing_is_taken_last():
    classes = ["", "a", "", "b", "a"]
    assert chosen(5, [("balance", {"distribution": "UNIFORM"}, one_hot(classes))], size=5).rows.tolist() == [1, 3, 4, 0, 2]


def test_scores_are_in_0_to_1_and_their_influence_does_not_fade():
    classes = ["a"] * 50 + ["b"] * 50
    for before in (0, 40):
        rows = [*range(before // 2), *range(50, 50 + before // 2)]
        strategy = build(Config(distribution="UNIFORM"), one_hot(classes), Candidates.of(names(100), chosen=[*rows, 49]))
        score = strategy.score()
        assert score.max() == 1.0
        assert score[0] == pytest.approx(0.5), "a class that lacks one image less counts half"


def test_with_weights_by_enumeration():
    rng = np.random.default_rng(5)
    classes, worth = ["a"] * 6 + ["b"] * 4, rng.uniform(1, 9, 10)

    def value(taken: list[int], i: int) -> float:
        lacks = {c: 0.5 * (len(taken) + 1) - sum(classes[j] == c for j in taken) for c in "ab" if any(classes[j] == c for j in range(10) if j not in taken)}
        return worth[i] / (1 + max(lacks.values()) - lacks[classes[i]])

    parts = [("balance", {"distribution": "UNIFORM"}, one_hot(classes)), ("weights", {}, numbers(worth))]
    assert chosen(8, parts, size=10).rows.tolist() == slowly(8, 10, value)
    assert chosen(8, parts[::-1], size=10).rows.tolist() == slowly(8, 10, value)


def test_a_class_the_others_forbid_leaves_the_next_in_order():
    classes = ["a"] * 200 + ["b"] * 3 + ["c"] * 3
    passes = numbers([1.0] * 200 + [0.0] * 3 + [1.0] * 3)
    parts = [("balance", {"target": {"a": 0.1, "b": 0.6, "c": 0.3}}, one_hot(classes)), ("threshold", {"threshold": 0, "operation": "BIGGER"}, passes)]
    picks = chosen(3, parts, size=206, preselected=list(range(100)))
    assert counts(picks, classes) == {"c": 3}


def test_the_order_of_files_does_not_matter():
    rng = np.random.default_rng(2)
    classes, order = rng.choice(list("abc"), 40), rng.permutation(40)
    files = np.asarray(names(40))
    values = one_hot(classes.tolist())
    one = build(Config(distribution="UNIFORM"), values, Candidates.of(files))
    place = np.argsort(files[order])
    assert (place == np.argsort(order)).all()
    other = build(Config(distribution="UNIFORM"), Classes(values.names, values.amounts[order][place], "x"), Candidates.of(files[order]))
    for row in (3, 9, 4, 20):
        np.testing.assert_array_equal(one.score(), other.score())
        one.add(row)
        other.add(row)


def test_numbers_with_few_values_count_as_classes_and_many_are_refused():
    picks = chosen(4, [("balance", {"target": {0: 0.5, 1: 0.5}}, numbers([1, 1, 1, 1, 0, 0, np.nan]))], size=7)
    assert sorted(picks.rows.tolist()) == [0, 1, 4, 5]
    with pytest.raises(UserError, match="101 different numbers"):
        chosen(1, [("balance", {"distribution": "UNIFORM"}, numbers(range(101)))], size=101)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"distribution": "TARGET"}, "needs target"),
        ({"target": {"a": 1}, "distribution": "UNIFORM"}, "are both given"),
        ({"target": {"a": 0.7, "b": 0.7}}, "add up to 1.4"),
        ({"target": {"a": 7}}, "between 0 and 1"),
        ({"target": {"a": 0}}, "is 0"),
        ({"target": {"cloudi": 1}}, "no class 'cloudi'. Did you mean cloudy"),
        ({"distribution": "EVEN"}, "distribution is 'EVEN'"),
    ],
)
def test_aims_that_are_none_are_refused(fields, said):
    with pytest.raises(UserError) as refused:
        chosen(1, [("balance", fields, one_hot(["a", "b", "cloudy"]))], size=3)
    assert said in str(refused.value)


def test_classes_that_no_image_holds_are_refused():
    with pytest.raises(UserError, match="no image holds any of x"):
        chosen(1, [("balance", {"distribution": "UNIFORM"}, Classes(["x"], np.zeros((2, 1)), "cells"))], size=2)
