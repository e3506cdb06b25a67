from __future__ import annotations

import pytest

from vesalius.errors import UserError
from vesalius.select.spelling import snake, snaked


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("stoppingConditionMinimumDistance", "stopping_condition_minimum_distance"),
        ("already_snake", "already_snake"),
        ("num-workers", "num_workers"),
        ("memory_requirement_in_GB", "memory_requirement_in_GB"),
        ("memoryRequirementInGB", "memory_requirement_in_GB"),
    ],
)
def test_keys_become_snake_case(given: str, found: str) -> None:
    assert snake(given) == found


def test_every_key_at_every_depth_but_not_the_users_own_words() -> None:
    given = {"nSamples": 1, "strategies": [{"input": {"keyName": "aB"}}], "target": {"ClassA": 0.5}}
    assert snaked(given) == {"n_samples": 1, "strategies": [{"input": {"key_name": "aB"}}], "target": {"ClassA": 0.5}}


def test_one_key_in_both_spellings_is_refused_by_its_place() -> None:
    with pytest.raises(UserError, match="n_samples"):
        snaked({"a": {"nSamples": 1, "n_samples": 2}})
