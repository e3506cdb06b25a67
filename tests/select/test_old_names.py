from __future__ import annotations

import pytest

from vesalius.errors import UserError
from vesalius.select.old_names import translated


def test_the_method_and_number_of_version_three_are_todays() -> None:
    fields, said = translated({"method": "coreset", "stopping_condition": {"n_samples": 50}}, False)
    assert fields
    assert said
    assert all(text.startswith("worker_config.") for text in said)
    assert translated({}, False) == ({}, [])


def test_a_pool_that_is_named_is_used() -> None:
    fields, said = translated({"datapool": {"name": "cells"}}, True)
    assert fields == {"datapool.use": True}
    assert "the pool cells" in said[0]


def test_two_ways_to_say_what_to_select_are_refused() -> None:
    with pytest.raises(UserError, match="selection_config"):
        translated({"method": "coreset", "stopping_condition": {"n_samples": 50}}, True)
