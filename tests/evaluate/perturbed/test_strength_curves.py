from __future__ import annotations

import math

import pytest
import torch

from vesalius.evaluate.perturbed.strength_curves import Number, area, mean


def number(value: float, *drawn: float) -> Number:
    return Number(value, torch.tensor(drawn or [value] * 3, dtype=torch.float64))


def test_the_area_is_the_mean_height_with_the_ends_at_half() -> None:
    assert area([number(1.0), number(1.0), number(1.0)]).value == pytest.approx(1)
    found = area([number(1.0), number(0.5), number(0.0)])
    assert found.value == pytest.approx(0.5)
    torch.testing.assert_close(found.drawn, torch.full((3,), 0.5, dtype=torch.float64))
    assert area([number(1.0), number(1.0), number(0.0)]).value == pytest.approx(0.75)


def test_differences_and_shares_are_of_the_same_replicates() -> None:
    a, b = number(0.6, 0.5, 0.7), number(0.4, 0.4, 0.4)
    torch.testing.assert_close((a - b).drawn, torch.tensor([0.1, 0.3], dtype=torch.float64))
    assert (a / b).value == pytest.approx(1.5)
    assert mean([a, b]).value == pytest.approx(0.5)


def test_a_share_of_nothing_is_undefined_and_written_as_none() -> None:
    share = number(0.5) / number(0.0)
    assert math.isnan(share.value)
    assert share.row() == {"value": None, "low": None, "high": None}
    assert set(number(1.0).row("kept")) == {"kept", "kept_low", "kept_high"}
