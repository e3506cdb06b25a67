from __future__ import annotations

import pytest

from tests.report import fake_evaluation
from vesalius.report.aspects import across, aspects, coefficients, renamed, within

NAMES = fake_evaluation.ZOO


@pytest.fixture(scope="module")
def found() -> list:  # type: ignore[type-arg]
    return aspects(fake_evaluation.results(NAMES, data=("bach", "stoic"), protocols=("few-shot", "linear")))


def test_each_pair_is_held_against_each_other_once(found: list) -> None:  # type: ignore[type-arg]
    pairs = within(found)
    assert pairs
    assert len({frozenset((id(a), id(b))) for a, b in pairs}) == len(pairs)
    assert all(a is not b for a, b in pairs)


def test_coefficients_lie_between_minus_one_and_one(found: list) -> None:  # type: ignore[type-arg]
    rows = coefficients(within(found), 0)
    assert rows
    assert all(-1 <= row["value"] <= 1 for row in rows if row.get("value") is not None)
    assert len(across(found, [])) == 0


def test_encoders_can_be_called_otherwise(found: list) -> None:  # type: ignore[type-arg]
    assert "renamed one" in str(renamed(found, {NAMES[0]: "renamed one"}))
    assert aspects({}) == []
