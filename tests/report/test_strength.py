from __future__ import annotations

from pathlib import Path

from vesalius.report.reading import RunRecord
from vesalius.report.strength import charts


def test_the_chosen_strength_is_that_of_the_least_loss() -> None:
    tried = [{"c": 0.01, "val_loss": 1.0}, {"c": 1.0, "val_loss": 0.4}, {"c": 100.0, "val_loss": 0.9}, {"c": "x", "val_loss": 0.1}, {"c": 0, "val_loss": 0.0}]
    (chart,) = charts([RunRecord(Path("x"), results={"head": {"tried": tried}})])
    assert len(chart.lines[0].points) == 3
    assert "1" in str(chart)


def test_there_is_none_where_no_head_was_solved_for() -> None:
    assert charts([RunRecord(Path("x"))]) == []
    assert charts([RunRecord(Path("x"), results={"head": {"tried": [{"c": None}]}})]) == []
