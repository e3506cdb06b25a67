from __future__ import annotations

import pytest

from tests.coverage.command_line import vesalius
from vesalius import cli_inspection
from vesalius.recipes import shipped

assert cli_inspection


@pytest.mark.parametrize("name", ["demo", "cifar10-simclr"])
def test_recipes_are_listed_and_shown(name: str) -> None:
    assert name in vesalius("recipes", "list").said
    said = vesalius("recipes", "show", name)
    assert said.code == 0
    assert "method" in said.said


def test_a_slip_is_answered_with_what_was_probably_meant() -> None:
    found = vesalius("recipes", "show", "cifar10-simclrr")
    assert found.code == 2
    assert "cifar10-simclr" in found.said
    assert len(shipped.names()) > 5
