from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vesalius.report import probes
from vesalius.report.reading import RunRecord


def _row(encoder: str, value: float, metric: str = "accuracy", probe: str = "linear") -> dict[str, Any]:
    row = {
        "encoder": encoder,
        "probe": probe,
        "metric": metric,
        "value": value,
        "low": value - 0.02,
        "high": value + 0.02,
    }
    return {**row, "n": 500, "unit": "subjects", "split": "test"}


def _run(*rows: dict[str, Any], letter: str = "", differences: list[dict[str, Any]] | None = None) -> RunRecord:
    return RunRecord(
        path=Path(letter or "x"), letter=letter, results={"probes": list(rows), "differences": differences or []}
    )


def test_the_own_encoder_stands_first_and_baselines_are_named() -> None:
    found = probes.section([_run(_row("random init", 0.7), _row("pretrained", 0.9), _row("pixel PCA", 0.8))])
    table = found.parts["tables"][0]
    assert [row.words[0] for row in table.rows] == ["pretrained", "random init", "pixel PCA"]
    assert [row.own for row in table.rows] == [True, False, False]
    assert table.rows[0].numbers == ["90.0\u00a0%", "88.0 to 92.0\u00a0%", "500 subjects"]
    assert found.parts["baselines"] == ["random init", "pixel PCA"]
    assert "500 subjects" in found.parts["sample"]
    assert "whole subjects" in found.parts["sample"]


def test_whiskers_keep_the_order_of_their_values() -> None:
    table = probes.section([_run(_row("pretrained", 0.9), _row("random init", 0.7))]).parts["tables"][0]
    own, other = (row.whiskers[0] for row in table.rows)
    assert other.low < other.at < other.high < own.low < own.at < own.high


def test_a_value_without_an_interval_is_a_dot() -> None:
    row = _row("pretrained", 0.9)
    del row["low"]
    table = probes.section([_run(row)]).parts["tables"][0]
    assert table.rows[0].whiskers[0].low is None
    assert table.rows[0].numbers[1] == "–"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.01, 0.03, "better"), (-0.03, -0.01, "worse"), (-0.01, 0.02, "not told apart"), (None, 0.1, "no interval")],
)
def test_a_difference_is_read_by_whether_its_interval_leaves_zero_out(
    low: float | None, high: float, verdict: str
) -> None:
    row = {
        "a": "pretrained",
        "b": "random init",
        "probe": "linear",
        "metric": "accuracy",
        "value": 0.02,
        "low": low,
        "high": high,
    }
    table = probes.section([_run(_row("pretrained", 0.9), differences=[row])]).parts["differences"][0]
    assert table.rows[0].verdict == verdict
    assert table.rows[0].words[0] == "pretrained − random init"
    assert table.zero is not None


def test_several_metrics_are_several_tables() -> None:
    found = probes.section([_run(_row("pretrained", 0.9), _row("pretrained", 0.95, "roc_auc"))])
    assert [table.metric for table in found.parts["tables"]] == ["accuracy", "roc_auc"]


def test_runs_stand_side_by_side() -> None:
    runs = [_run(_row("pretrained", 0.9), letter="A"), _run(_row("pretrained", 0.8), _row("majority", 0.2), letter="B")]
    table = probes.section(runs).parts["tables"][0]
    assert table.heads[2:] == ["A · A", "B · B"]
    assert [w.colour for w in table.rows[0].whiskers] == ["c0", "c1"]
    assert table.rows[1].numbers == ["–", "20.0\u00a0%\n18.0 to 22.0\u00a0%"]


def test_no_examination_is_said() -> None:
    assert not probes.section([_run()]).present
