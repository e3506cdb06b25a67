from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vesalius.report import curves
from vesalius.report.reading import RunRecord


def _run(rows: list[dict[str, Any]], letter: str = "", **results: Any) -> RunRecord:
    return RunRecord(path=Path("run") / (letter or "x"), letter=letter, metrics=rows, results=results)


def _rows(n: int = 10, **extra: float) -> list[dict[str, Any]]:
    return [{"step": k, "kind": "train", "loss": 5.0 - k / n, "lr": 0.1, **extra} for k in range(n)]


def test_one_chart_for_each_quantity() -> None:
    monitor = [
        {
            "step": 5,
            "kind": "monitor",
            "monitor/linear/accuracy": 0.5,
            "monitor/knn/accuracy": 0.4,
            "monitor/spread/rankme": 9.0,
        }
    ]
    drawn = curves.charts([_run(_rows() + monitor)])
    assert [chart.title for chart in drawn] == ["Loss", "Accuracy", "RankMe", "Learning rate"]
    assert [line.name for line in drawn[1].lines] == ["linear", "knn"]
    assert drawn[1].digits == "percent"


def test_a_resumed_step_counts_once_with_its_later_value() -> None:
    drawn = curves.charts([_run([{"step": 1, "loss": 9.0}, {"step": 2, "loss": 8.0}, {"step": 1, "loss": 3.0}])])
    assert drawn[0].lines[0].points == [(1.0, 3.0), (2.0, 8.0)]


def test_what_is_not_finite_is_left_out() -> None:
    rows = [
        {"step": 1, "loss": float("nan")},
        {"step": 2, "loss": None},
        {"step": 3, "loss": 1.5},
        {"step": 4, "loss": "x"},
    ]
    assert curves.charts([_run(rows)])[0].lines[0].points == [(3.0, 1.5)]
    assert curves.charts([_run([{"step": 1, "loss": float("inf")}])]) == []


def test_a_single_part_of_the_loss_is_not_drawn_beside_the_total() -> None:
    single = curves.charts([_run(_rows(**{"loss/ntxent": 4.0}))])[0]
    assert [line.name for line in single.lines] == ["total"]
    several = curves.charts([_run(_rows(**{"loss/invariance": 2.0, "loss/variance": 2.0}))])[0]
    assert [line.name for line in several.lines] == ["total", "invariance", "variance"]


def test_runs_are_overlaid_each_in_its_colour() -> None:
    chart = curves.charts([_run(_rows(), "A"), _run(_rows(20), "B")])[0]
    assert [(line.name, line.colour) for line in chart.lines] == [("A", "c0"), ("B", "c1")]
    assert chart.x.high == 19


def test_one_wild_step_does_not_flatten_the_rest() -> None:
    rows = _rows(1000)
    rows[500]["loss"] = 1e6
    chart = curves.charts([_run(rows)])[0]
    assert chart.y.high < 1e6


def test_notices_and_chosen_checkpoints_are_marked() -> None:
    rows = [
        *_rows(),
        {"step": 4, "kind": "notice", "message": "collapsed"},
        {"step": 6, "monitor/linear/accuracy": 0.7},
    ]
    chosen = {"chosen_by_labels": {"step": 6, "metric": "monitor/linear/accuracy"}}
    loss, accuracy, _ = curves.charts([_run(rows, checkpoints=chosen)])
    assert [(mark.x, mark.text) for mark in loss.marks] == [(4.0, "collapsed")]
    assert [(mark.x, mark.text) for mark in accuracy.marks] == [(6.0, "best by labels")]


def test_the_score_the_run_is_judged_by_leads() -> None:
    rows = [
        *_rows(),
        {"step": 6, "monitor/l/accuracy": 0.7, "monitor/l/roc_auc": 0.8, "monitor/s/rankme": 5.0, "monitor/s/std": 0.1},
    ]
    probes = [{"encoder": "pretrained", "probe": "linear", "metric": "roc_auc", "value": 0.8}]
    found = curves.section([_run(rows, probes=probes)])
    assert [chart.title for chart in found.parts["charts"]] == ["Loss", "ROC-AUC", "RankMe", "Embedding deviation"]
    assert [chart.title for chart in found.parts["more"]] == ["Accuracy", "Learning rate"]


def test_nothing_to_draw_is_said() -> None:
    found = curves.section([_run([])])
    assert not found.present
    assert "no numbers" in found.reason


def test_the_readout_is_plain_json() -> None:
    for chart in curves.charts([_run(_rows())]):
        assert json.loads(chart.data())["x"] == "step"


def test_training_scores_of_a_monitor_share_the_chart_and_alarms_have_none() -> None:
    row = {
        "step": 3,
        "monitor/linear/accuracy": 0.6,
        "monitor/linear/train_accuracy": 0.7,
        "monitor/spread/collapsed": 0.0,
    }
    drawn = curves.charts(
        [_run([*_rows(), row, {"step": 3, "monitor/linear/train_loss": 1.0, "monitor/linear/val_loss": 1.2}])]
    )
    assert [chart.title for chart in drawn] == ["Loss", "Accuracy", "Loss of the monitors", "Learning rate"]
    assert [(line.name, line.dash) for line in drawn[1].lines] == [("linear", 0), ("linear, training", 1)]
