from __future__ import annotations

import pytest

from tests.coverage.command_line import vesalius
from vesalius import cli_output

assert cli_output


@pytest.mark.parametrize(
    "words",
    [("embed", "--encoder", "no-such-run", "--data", "demo"), ("predict", "no-such-run", "demo"), ("export", "no-such-run", "--to", "timm")],
)
def test_what_is_no_encoder_and_no_run_is_refused_by_every_verb(words: tuple[str, ...]) -> None:
    found = vesalius(*words)
    assert found.code == 2
    assert "no-such-run" in found.said
