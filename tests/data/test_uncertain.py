from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.data import uncertain
from vesalius.data.parquet import load
from vesalius.data.references import resolve
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec
from vesalius.errors import UserError

NAN = float("nan")


def table(values: list[float], split: list[str | None] | None = None, uncertain_value: float | None = -1.0) -> SampleTable:
    columns: dict[str, object] = {"label.Pleural Effusion": values, "label.Edema": values[::-1]}
    if split is not None:
        columns["split"] = pd.Series(split, dtype="str")
    return SampleTable.of(
        "made-up", "/data", [f"{i}.png" for i in range(len(values))], columns,
        class_names={"Pleural Effusion": ["no", "yes"], "Edema": ["no", "yes"]},
        task=TaskSpec("two", "multilabel", ("Pleural Effusion", "Edema"), ("Pleural Effusion", "Edema")),
        uncertain=uncertain_value,
    )  # fmt: skip


@pytest.mark.parametrize(("policy", "value"), [(None, NAN), ("ignore", NAN), ("zeros", 0.0), ("ones", 1.0)])
def test_a_policy_changes_what_is_uncertain_and_nothing_else(policy: str | None, value: float) -> None:
    given = table([1, 0, -1, NAN])
    found = uncertain.settled(given, policy)
    np.testing.assert_array_equal(found.labels("Pleural Effusion"), [1, 0, value, NAN])
    np.testing.assert_array_equal(found.labels("Edema"), [NAN, value, 0, 1])
    np.testing.assert_array_equal(given.labels("Pleural Effusion"), [1, 0, -1, NAN])
    assert found.uncertain is None


@pytest.mark.parametrize("name", ["Pleural Effusion", "pleural-effusion", "pleural_effusion"])
def test_a_policy_for_each_finding(name: str) -> None:
    found = uncertain.settled(table([1, 0, -1, NAN]), {name: "ones"})
    np.testing.assert_array_equal(found.labels("Pleural Effusion"), [1, 0, 1, NAN])
    np.testing.assert_array_equal(found.labels("Edema"), [NAN, NAN, 0, 1])


@given(st.lists(st.sampled_from([1.0, 0.0, -1.0, NAN]), min_size=1, max_size=40), st.sampled_from(list(uncertain.INTERVALS)))
def test_soft_targets_lie_in_their_interval_and_belong_to_the_image(values: list[float], policy: str) -> None:
    low, high = uncertain.INTERVALS[policy]
    given = table(values)
    found = uncertain.settled(given, policy)
    unsure = np.array(values) == -1
    soft = found.labels("Pleural Effusion")
    assert ((soft[unsure] >= low) & (soft[unsure] <= high)).all()
    np.testing.assert_array_equal(soft[~unsure], np.array(values)[~unsure])
    again = uncertain.settled(given.subset(np.arange(len(given))[::-1]), policy)
    np.testing.assert_array_equal(again.labels("Pleural Effusion")[::-1], soft)


def test_soft_targets_are_drawn_for_each_finding_and_spread_evenly() -> None:
    found = uncertain.settled(table([-1.0] * 4000), "soft")
    one, two = found.labels("Pleural Effusion"), found.labels("Edema")
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.05
    assert abs(one.mean() - 0.7) < 0.005
    assert one.min() < 0.551 < 0.849 < one.max()


def test_nothing_is_scored_by_a_guess() -> None:
    found = uncertain.settled(table([-1, -1, -1, 1], ["train", "val", "test", "test"]), "soft")
    assert np.isnan(found.labels("Pleural Effusion")).tolist() == [False, True, True, False]
    undivided = uncertain.settled(table([-1, -1, -1, 1]), "soft")
    divided = undivided.with_columns(split=pd.Series(["train", "val", "test", "test"], dtype="str"))
    assert np.isnan(uncertain.firm(divided).labels("Pleural Effusion")).tolist() == [False, True, True, False]
    ones = uncertain.settled(table([-1, -1, -1, 1], ["train", "val", "test", "test"]), "ones")
    assert ones.labels("Pleural Effusion").tolist() == [1, 1, 1, 1], "a firm answer was asked for"


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("maybe", "Choose one of ignore, zeros, ones, soft, soft-zeros"),
        ({"Edema": "one"}, "uncertain is 'one'"),
        ({"Plural Effusion": "ones"}, "no label of made-up. Did you mean 'Pleural Effusion'"),
    ],
)
def test_what_is_not_known(policy: uncertain.Policy, said: str) -> None:
    with pytest.raises(UserError, match=said):
        uncertain.settled(table([-1]), policy)


def test_labels_that_are_never_uncertain() -> None:
    certain = table([1, 0], uncertain_value=None)
    assert uncertain.settled(certain, "ignore") is certain
    with pytest.raises(UserError, match="No label of made-up can be uncertain"):
        uncertain.settled(certain, "ones")


def test_a_saved_table_keeps_what_is_uncertain(tmp_path: object) -> None:
    kept = load(table([1, 0, -1]).save(f"{tmp_path}/t.parquet"))
    assert kept.uncertain == -1
    np.testing.assert_array_equal(resolve(kept, uncertain="ones", least=1).labels("Pleural Effusion"), [1, 0, 1])
