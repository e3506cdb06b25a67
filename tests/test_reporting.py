from __future__ import annotations

from pathlib import Path

import pytest

from vesalius.errors import UserError
from vesalius.reporting import report


def test_a_report_is_of_runs_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Name at least one run"):
        report()
    with pytest.raises(UserError, match="no-such-run"):
        report(tmp_path / "no-such-run")
