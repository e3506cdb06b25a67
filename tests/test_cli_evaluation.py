from __future__ import annotations

from tests.coverage.command_line import vesalius
from vesalius import cli_evaluation

assert cli_evaluation


def test_a_protocol_that_is_none_is_refused_with_the_nearest() -> None:
    found = vesalius("evaluate", "linaer", "--encoder", "random", "--data", "demo")
    assert found.code == 2
    assert "linear" in found.said


def test_a_report_of_no_run_is_refused_by_name() -> None:
    found = vesalius("report", "no-such-run")
    assert found.code == 2
    assert "no-such-run" in found.said
