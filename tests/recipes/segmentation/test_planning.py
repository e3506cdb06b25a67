from __future__ import annotations

import pytest

from vesalius.data.plan import Intensity, Plan
from vesalius.errors import UserError
from vesalius.recipes.segmentation.planning import laid_over, resolved

PLAN = Plan(spacing=(1.0, 1.0, 2.0), patch=(32, 32, 32), intensity=Intensity(rule="window", low=-100, high=300))


def test_what_the_encoder_learnt_stands_and_every_other_wish_is_warned_about() -> None:
    plan, warnings = resolved({"spacing": [1.5, 1.5, 2.0]}, PLAN, None)  # type: ignore[arg-type]
    assert plan.spacing == (1.5, 1.5, 2.0)
    assert plan.patch == PLAN.patch
    (text,) = warnings
    assert "data.plan.spacing is 1.5×1.5×2" in text
    assert "prepared with 1×1×2" in text
    assert resolved({}, PLAN, None) == (PLAN, [])  # type: ignore[arg-type]


def test_intensity_is_replaced_as_a_whole_where_its_rule_changes() -> None:
    assert laid_over(PLAN, {"intensity": {"high": 400}}).intensity == Intensity(rule="window", low=-100, high=400)
    assert laid_over(PLAN, {"intensity": {"rule": "zscore"}}).intensity == Intensity(rule="zscore")


def test_a_value_that_is_none_is_refused_by_its_place() -> None:
    with pytest.raises(UserError, match=r"data\.plan\.spacing"):
        laid_over(PLAN, {"spacing": "wide"})
