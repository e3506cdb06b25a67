from __future__ import annotations

import pytest

from tests.coverage.command_line import vesalius
from vesalius import cli_submission

assert cli_submission


@pytest.mark.parametrize("line", [[], ["select", "--n", "5"], ["pretrain", "no-such-recipe"]])
def test_a_line_that_cannot_run_is_refused_before_anything_is_sent(line: list[str]) -> None:
    found = vesalius("submit", "slurm", "--", *line)
    assert found.code == 2
    assert "Traceback" not in found.said
