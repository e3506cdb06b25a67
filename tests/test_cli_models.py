from __future__ import annotations

from tests.coverage.command_line import vesalius
from vesalius import cli_models
from vesalius.encoders.published import models

assert cli_models


def test_every_model_of_the_zoo_is_listed() -> None:
    found = vesalius("models", "list")
    assert found.code == 0
    assert all(name in found.said for name in models())


def test_a_model_that_is_none_is_refused_with_the_nearest() -> None:
    found = vesalius("models", "prepare", "moco-v3")
    assert found.code == 2
    assert "moco-v2" in found.said
