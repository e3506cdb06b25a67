from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.data.splits import BY_IMAGE, innereye, refuse_leakage, split
from vesalius.data.table import SampleTable
from vesalius.data.task import TaskSpec
from vesalius.errors import UserError


def made(n: int, columns: dict[str, Any] | None = None, start: int = 0, **rest: Any) -> SampleTable:
    return SampleTable.of("test", "/", [f"{i}.png" for i in range(start, start + n)], columns, **rest)


def by_id(table: SampleTable) -> dict[int, str]:
    return dict(zip(table.ids.tolist(), table.frame["split"].tolist()))


def people(owners: list[int], labels: list[int] | None = None) -> SampleTable:
    columns: dict[str, Any] = {"subject": [f"p{owner}" for owner in owners]}
    if labels is None:
        return made(len(owners), columns)
    return made(len(owners), columns | {"label.x": labels}, task=TaskSpec("x", "classes", ("x",), ("a", "b", "c")))


OWNERS = st.lists(st.integers(0, 40), min_size=12, max_size=80).filter(lambda owners: len(set(owners)) > 5)


@settings(max_examples=50)
@given(OWNERS, st.floats(0.05, 0.45), st.floats(0.05, 0.45), st.integers(0, 99))
def test_parts_are_whole_disjoint_and_keep_people_together(
    owners: list[int], val: float, test: float, seed: int
) -> None:
    out = split(people(owners), val, test, seed=seed)
    parts = out.frame["split"]
    assert set(parts) == {"train", "val", "test"}
    assert (out.frame.groupby("subject")["split"].nunique() == 1).all()
    assert out.split_by == "subject"
    assert BY_IMAGE not in out.warnings


@settings(max_examples=30)
@given(OWNERS, st.randoms(use_true_random=False), st.integers(0, 9))
def test_the_order_of_rows_means_nothing(owners: list[int], random: Any, seed: int) -> None:
    table = people(owners)
    order = list(range(len(owners)))
    random.shuffle(order)
    assert by_id(split(table, 0.2, 0.2, seed=seed)) == by_id(split(table.subset(order), 0.2, 0.2, seed=seed))


@settings(max_examples=50)
@given(st.integers(20, 200), st.integers(1, 10), st.integers(0, 99))
def test_adding_images_moves_at_most_as_many_across_each_border(n: int, more: int, seed: int) -> None:
    before, after = (by_id(split(made(size), 0.15, 0.15, seed=seed)) for size in (n, n + more))
    moved = sum(before[i] != after[i] for i in before)
    assert moved <= 2 * more


@settings(max_examples=30)
@given(st.integers(30, 120), st.integers(1, 20), st.integers(0, 9))
def test_adding_to_one_class_moves_none_of_another(n: int, more: int, seed: int) -> None:
    task = TaskSpec("x", "classes", ("x",), ("a", "b"))
    first = np.array([0.0, 1.0] * n + [1.0])  # so that b stays the more frequent
    small = made(len(first), {"label.x": first}, task=task)
    large = made(len(first) + more, {"label.x": np.concatenate([first, np.ones(more)])}, task=task)
    before, after = by_id(split(small, 0.2, seed=seed)), by_id(split(large, 0.2, seed=seed))
    zeros = small.ids[first == 0].tolist()
    assert [before[i] for i in zeros] == [after[i] for i in zeros]


@settings(max_examples=40)
@given(st.lists(st.integers(10, 120), min_size=2, max_size=3), st.floats(0.05, 0.4), st.integers(0, 50))
def test_each_class_has_its_share_to_one_image(sizes: list[int], share: float, seed: int) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    table = made(len(labels), {"label.x": labels}, task=TaskSpec("x", "classes", ("x",), ("a", "b", "c")))
    out = split(table, share, 0.1, seed=seed)
    for value, size in enumerate(sizes):
        counts = out.frame["split"][labels == value].value_counts()
        assert abs(counts.get("val", 0) - share * size) <= 1 + 1e-6
        assert abs(counts.get("test", 0) - 0.1 * size) <= 1 + 1e-6


def test_rare_labels_of_many_reach_every_part() -> None:
    rng = np.random.default_rng(0)
    rare = np.zeros(400)
    rare[rng.choice(400, 20, replace=False)] = 1
    columns = {"label.rare": rare, "label.common": rng.integers(0, 2, 400).astype(float)}
    out = split(made(400, columns, task=TaskSpec("m", "multilabel", ("rare", "common"))), 0.25, 0.25, seed=3)
    counts = out.frame.groupby("split")["label.rare"].sum()
    assert counts["val"] in (4, 5, 6)
    assert counts["test"] in (4, 5, 6)


def test_shares_are_fair_over_many_small_strata() -> None:
    """Each of 500 classes has two images: rounding alone would give the validation part none of a tenth, or all."""
    labels = np.repeat(np.arange(500), 2)
    task = TaskSpec("x", "classes", ("x",), tuple(map(str, range(500))))
    out = split(made(1000, {"label.x": labels}, task=task), 0.1, seed=1)
    assert 70 <= len(out.rows("val")) <= 130


def test_another_seed_is_another_split_and_the_same_seed_the_same() -> None:
    one, again, other = (by_id(split(made(200), 0.2, seed=seed)) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_the_split_by_image_says_so() -> None:
    out = split(made(50), 0.2)
    assert out.split_by == "image"
    assert out.warnings == [BY_IMAGE]
    assert split(out, 0.2).warnings == [BY_IMAGE]
    with pytest.raises(UserError, match="by subject was asked for"):
        split(made(50), 0.2, by="subject")
    with pytest.raises(UserError, match="by subject was asked for"):
        split(made(50), 0.2, require_subjects=True)
    partly = made(50, {"subject": [None] + ["a"] * 49})
    with pytest.raises(UserError, match="by subject was asked for"):
        split(partly, 0.2, by="subject")


def test_a_split_by_image_of_people_is_refused_unless_allowed() -> None:
    table = people([i // 10 for i in range(100)])
    with pytest.raises(
        UserError, match=r"subjects of test occur in more than one of train, val and test: results would"
    ):
        split(table, 0.3, by="image")
    out = split(table, 0.3, by="image", allow_leakage=True)
    assert any("this was allowed" in warning for warning in out.warnings)
    assert table.warnings == []


def test_a_source_keeps_its_own_parts() -> None:
    table = made(100, {"split": ["train"] * 80 + ["test"] * 20}, split_by="source")
    out = split(table, 0.25, 0.5, seed=5)
    assert out.rows("test").tolist() == list(range(80, 100))
    assert len(out.rows("val")) == 20
    whole = made(100, {"split": ["train"] * 60 + ["val"] * 20 + ["test"] * 20}, split_by="source")
    kept = split(whole, 0.4, 0.4)
    assert kept.frame["split"].tolist() == whole.frame["split"].tolist()
    assert (kept.split_by, kept.warnings) == ("source", [])


def test_rows_without_a_part_stay_so_where_the_source_has_one() -> None:
    out = split(made(12, {"split": ["train"] * 8 + ["test"] * 2 + [None] * 2}), 0.25)
    assert out.rows("").tolist() == [10, 11]


def test_nothing_asked_for_is_all_training() -> None:
    assert set(split(made(5), 0.0).frame["split"]) == {"train"}


def test_no_part_stays_empty() -> None:
    for seed in range(30):
        assert set(split(made(3), 0.1, 0.1, seed=seed).frame["split"]) == {"train", "val", "test"}
    with pytest.raises(UserError, match=r"There are 2 subjects .* 3 parts to divide them"):
        split(made(2), 0.1, 0.1)


@pytest.mark.parametrize(("val", "test"), [(-0.1, 0), (0.5, 0.5), (1.0, 0), (0, 1.5)])
def test_impossible_shares(val: float, test: float) -> None:
    with pytest.raises(UserError, match="leave nothing to train on"):
        split(made(10), val, test)


def test_a_regression_is_split_without_strata() -> None:
    table = made(100, {"label.x": np.linspace(0, 1, 100)}, task=TaskSpec("x", "regression", ("x",)))
    assert 9 <= len(split(table, 0.1).rows("val")) <= 11


def test_refuse_leakage_counts_people() -> None:
    table = made(4, {"subject": ["a", "a", "b", None], "split": ["train", "test", "train", "test"]})
    with pytest.raises(UserError, match="1 of 2 subjects"):
        refuse_leakage(table)
    assert refuse_leakage(made(2)).warnings == []


def test_innereyes_rows_for_cifar10() -> None:
    train, val = innereye(50_000, 0.1, 42)
    assert train[:5].tolist() == [37542, 44491, 216, 43688, 41558]
    assert (len(train), len(val)) == (45_000, 5_000)
    assert pd.Index(train).intersection(pd.Index(val)).empty
    assert sorted([*train, *val]) == list(range(50_000))


@given(st.integers(2, 300), st.integers(0, 50))
def test_innereyes_rule_is_torchs_random_split(n: int, seed: int) -> None:
    import torch
    from torch.utils.data import random_split

    n_val = int(0.1 * n)
    parts = random_split(range(n), [n - n_val, n_val], torch.Generator().manual_seed(seed))  # type: ignore[arg-type]
    for ours, theirs in zip(innereye(n, 0.1, seed), parts):
        assert ours.tolist() == list(theirs.indices)
