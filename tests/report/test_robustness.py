"""The section on robustness: curves of each model, and a reason where there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vesalius.report.reading import RunRecord
from vesalius.report.robustness import section


def found(**more: Any) -> dict[str, Any]:
    def row(run: str, level: int) -> dict[str, Any]:
        value = 0.9 - 0.1 * level
        at = {"value": value, "low": value - 0.02, "high": value + 0.02, "change": -0.1 * level, "change_low": -0.2, "change_high": 0.0}
        return {"run": run, "perturbation": "noise", "level": level, "strength": 0.1 * level, **at}

    areas = [{**row(run, 1), "perturbation": name, "kept": 0.9} for run in "AB" for name in ("noise", "all")]
    return {
        "metric": "roc_auc",
        "split": "test",
        "n": 9,
        "unit": "subjects",
        "runs": [{"letter": "A", "title": "one"}, {"letter": "B", "title": "other"}],
        "perturbations": [{"name": "noise", "title": "noise", "measure": "deviation", "strengths": [0.1, 0.2]}],
        "curves": [row(run, level) for run in "AB" for level in range(3)],
        "areas": areas,
        "area_differences": [{"a": "A", "b": "B", **{k: v for k, v in areas[1].items() if k != "run"}}],
        **more,
    }


def test_a_chart_for_each_perturbation_with_a_line_for_each_model():
    (block,) = section([RunRecord(Path("x"), results={"robustness": found()})], 1000).blocks
    (chart,) = block.parts["charts"]
    assert [line.name for line in chart.lines] == ["A", "B"]
    assert chart.x_texts == ["none", "0.1", "0.2"]
    assert len(chart.lines[0].spans) == 3
    assert chart.lines[0].points[1][0] < 1 < chart.lines[1].points[1][0], "whiskers stand beside each other"
    assert [row.words[1] for row in block.parts["areas"].rows] == ["noise", "all of them"] * 2
    assert len(block.parts["apart"]) == 2
    assert block.parts["picture"] == {}, "it was not kept"


def test_values_that_are_not_defined_are_left_out():
    results = found()
    for row in results["curves"][:3]:
        row["value"] = None
    (block,) = section([RunRecord(Path("x"), results={"robustness": results})], 1000).blocks
    assert [len(line.points) for line in block.parts["charts"][0].lines] == [0, 3]


def test_no_curves_no_section():
    made = section([RunRecord(Path("x"), results={})], 1000)
    assert made.reason == "The evaluation did not examine robustness."
