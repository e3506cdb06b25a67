"""Laying mappings over one another: what is kept, what starts afresh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.errors import UserError
from vesalius.recipes.merging import merge, plain, written_out

KEYS = st.sampled_from(["data", "views", "seed", "batch_size", "split"])
TREES = st.recursive(st.integers(), lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8)
MAPPINGS = st.dictionaries(KEYS, TREES, max_size=4)


@given(MAPPINGS)
def test_nothing_laid_over_changes_nothing(tree: dict[str, Any]) -> None:
    assert merge(tree, {}) == tree
    assert merge({}, tree) == tree


@given(MAPPINGS, MAPPINGS)
def test_what_is_laid_over_is_found_again_and_twice_is_once(base: dict[str, Any], changes: dict[str, Any]) -> None:
    kept = merge(base, {})
    once = merge(base, changes)
    assert merge(once, changes) == once
    assert all(once[k] == v for k, v in changes.items() if not isinstance(v, dict) or not isinstance(base.get(k), dict))
    assert {k: v for k, v in once.items() if k not in changes} == {k: v for k, v in base.items() if k not in changes}
    assert base == kept


def test_a_new_name_forgets_the_old_entrys_fields() -> None:
    base = {"method": {"name": "simclr", "temperature": 0.2}}
    assert merge(base, {"method": "byol"}) == {"method": {"name": "byol"}}
    assert merge(base, {"method": {"name": "simclr", "bias": True}}) == {"method": {"name": "simclr", "temperature": 0.2, "bias": True}}
    assert merge(base, {"method": {"temperature": 0.5}})["method"] == {"name": "simclr", "temperature": 0.5}


def test_a_new_encoder_keeps_how_it_is_learnt() -> None:
    base = {"encoder": {"name": "resnet18", "stem": "small", "freeze": False, "lr_factor": 0.1}}
    assert merge(base, {"encoder": "resnet50"}) == {"encoder": {"name": "resnet50", "freeze": False, "lr_factor": 0.1}}


def test_one_way_to_say_how_long() -> None:
    assert merge({"epochs": 800, "seed": 1}, {"steps": 10}) == {"steps": 10, "seed": 1}
    assert merge({"optimizer": {"warmup": {"share": 0.1}}}, {"optimizer": {"warmup": {"steps": 5}}})["optimizer"]["warmup"] == {"steps": 5}


def test_monitors_are_changed_by_name_replaced_by_a_list_and_added() -> None:
    base = {"monitors": [{"name": "linear", "lr": 1}, {"name": "knn"}]}
    assert merge(base, {"monitors": {"linear": {"lr": 2}}})["monitors"] == [{"name": "linear", "lr": 2}, {"name": "knn"}]
    assert merge(base, {"monitors": ["knn"]})["monitors"] == [{"name": "knn"}]
    assert merge(base, {"monitors": {"spread": None}})["monitors"][-1] == {"name": "spread"}
    assert {m["name"] for m in merge({}, {"monitors": {"knn": {"k": 3}}})["monitors"]} == {"linear", "knn", "spread"}
    with pytest.raises(UserError, match="give its fields"):
        merge(base, {"monitors": {"linear": 3}})


def test_trackers_by_word_by_list_and_none() -> None:
    assert merge({}, {"tracking": "mlflow,tensorboard"})["tracking"] == [{"name": "mlflow"}, {"name": "tensorboard"}]
    assert merge({"tracking": [{"name": "mlflow", "uri": "x"}]}, {"tracking": {"mlflow": {"experiment": "e"}}})["tracking"] == [
        {"name": "mlflow", "uri": "x", "experiment": "e"}
    ]
    assert merge({"tracking": [{"name": "mlflow"}]}, {"tracking": None})["tracking"] == []


def test_paths_become_text_and_one_plugin_a_list() -> None:
    assert plain({"a": (Path("x") / "y", 1)}) == {"a": ["x/y", 1]}
    assert written_out("plugins", "mine.py") == ["mine.py"]
