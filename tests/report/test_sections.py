"""The smaller sections: data, verdict, label efficiency, calibration, checkpoints, cost, views, warnings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.report.fake_results import results
from tests.report.fake_run import Fake
from vesalius.report import calibration, checkpoints, cost, data, efficiency, verdict, views, warnings
from vesalius.report.reading import RunRecord

SECTIONS: tuple[Any, ...] = (data, verdict, efficiency, calibration, checkpoints, cost, warnings)


def _run(letter: str = "", **found: Any) -> RunRecord:
    return RunRecord(path=Path(letter or "x"), letter=letter, results=found)


FULL = results(Fake())


@pytest.mark.parametrize("module", SECTIONS)
def test_present_with_results_and_absent_with_a_reason(module: Any) -> None:
    assert module.section([_run(**FULL)]).present
    assert len(module.section([_run()]).reason) > 10


@pytest.mark.parametrize("module", SECTIONS)
def test_one_run_of_two_may_lack_it(module: Any) -> None:
    found = module.section([_run("A"), _run("B", **FULL)])
    assert found.present


def test_data_counts_are_shown_by_split_and_class() -> None:
    counts = {"train": {"images": 60, "subjects": 6, "per_class": [40, 20]}, "test": {"images": 10, "per_class": [5]}}
    monitor = {
        "name": "m",
        "task": {"kind": "binary", "classes": ["no", "yes"]},
        "counts": counts,
        "split_by": "subject",
    }
    parts = (
        data.section([_run(data={"train": {"name": "t", "images": 9, "left_out": 0}, "monitor": monitor})])
        .blocks[0]
        .parts
    )
    assert ("Left out", "none") in parts["train"]
    assert ("Subjects", "unknown") in parts["train"]
    assert ("Task", "two classes, 2") in parts["monitor"]
    rows = {row["name"]: row["values"] for row in parts["splits"]["rows"]}
    assert rows == {"Images": ["60", "10"], "Subjects": ["6", "–"], "no": ["40", "5"], "yes": ["20", "–"]}
    assert [row["bars"] for row in parts["splits"]["rows"]][2:] == [[100, 100], [50, None]]


@pytest.mark.parametrize(("low", "high", "kind"), [(0.1, 0.2, "good"), (-0.2, -0.1, "bad"), (-0.1, 0.1, "open")])
def test_the_verdict_s_mark_follows_the_first_baseline(low: float, high: float, kind: str) -> None:
    probes = [
        {"encoder": "pretrained", "probe": "linear", "metric": "accuracy", "value": 0.9, "low": 0.88, "high": 0.92}
    ]
    gaps = [
        {
            "a": "pretrained",
            "b": "pixel PCA",
            "probe": "linear",
            "metric": "accuracy",
            "value": 0.5,
            "low": 0.4,
            "high": 0.6,
        },
        {
            "a": "pretrained",
            "b": "random init",
            "probe": "linear",
            "metric": "accuracy",
            "value": 0.0,
            "low": low,
            "high": high,
        },
        {
            "a": "pretrained",
            "b": "random init",
            "probe": "knn",
            "metric": "accuracy",
            "value": 9.0,
            "low": 9.0,
            "high": 9.0,
        },
    ]
    parts = verdict.section([_run(verdict=["It is 90 % right."], probes=probes, differences=gaps)]).blocks[0].parts
    assert parts["state"]["kind"] == kind
    assert "random init" in parts["state"]["text"]
    assert parts["sentences"] == ["It is 90\u00a0% right."]
    assert [one["value"] for one in parts["numbers"]] == ["90.0\u00a0%", "0.0", "+50.0"]


@pytest.mark.parametrize(("n", "words"), [(1, "One seed tells nothing of random init"), (2, "2 seeds tell nothing of random init"), (3, "Worse than")])
def test_few_seeds_get_no_mark(n: int, words: str) -> None:
    probes = [{"encoder": "pretrained", "probe": "linear", "metric": "accuracy", "value": 0.9, "low": 0.9, "high": 0.9, "n": n, "unit": "seeds", "spread": 0.0}]
    gaps = [{"a": "pretrained", "b": "random init", "probe": "linear", "metric": "accuracy", "value": -0.2, "low": -0.3, "high": -0.1}]
    parts = verdict.section([_run(verdict=["It is 90 % right."], probes=probes, differences=gaps)]).blocks[0].parts
    assert parts["state"]["text"].startswith(words)
    assert ("one seed" in parts["numbers"][0]["more"]) == (n == 1)


def test_calibration_says_which_way_it_leans() -> None:
    def leaning(confidence: float, accuracy: float) -> str:
        bins = [
            {"confidence": confidence, "accuracy": accuracy, "count": 10},
            {"confidence": 2, "accuracy": 2, "count": 0},
        ]
        return str(calibration.section([_run(calibration={"ece": 0.1, "bins": bins})]).blocks[0].parts["leaning"])

    assert "surer than it should be" in leaning(0.9, 0.7)
    assert "less sure" in leaning(0.6, 0.9)
    assert "neither" in leaning(0.8, 0.8)


def test_checkpoints_name_what_was_measured() -> None:
    parts = checkpoints.section([_run(**FULL)]).blocks[0].parts
    assert parts["head"][3] == "Accuracy (linear) there"
    assert parts["rows"] == [
        ["best-linear", "1\u202f100", "Accuracy (linear) 87.2\u00a0%", "87.2\u00a0%", "0.0"],
        ["best-spread", "1\u202f200", "RankMe (spread) 113", "86.8\u00a0%", "\u22120.4"],
        ["last", "1\u202f200", "–", "86.8\u00a0%", "\u22120.4"],
    ]
    assert parts["agree"] is False
    assert parts["exported"] == "The run hands over last."


def test_without_labels_the_choices_stand_alone() -> None:
    choice = {"name": "best-lidar", "step": 5, "metric": "lidar/lidar", "value": 12.5}
    found = {"criteria": [choice], "last": {"name": "last", "step": 8}, "exported": {"name": "best-lidar", "step": 5}}
    parts = checkpoints.section([_run(checkpoints=found)]).blocks[0].parts
    assert parts["head"] == ["Checkpoint", "Step", "Chosen by"]
    assert parts["rows"] == [["best-lidar", "5", "LiDAR (lidar) 12.5"], ["last", "8", "–"]]
    assert parts["agree"] is None


def test_a_verb_may_name_its_choices_one_by_one() -> None:
    found = {"chosen_by_labels": {"step": 3, "metric": "val/roc_auc", "value": 0.9}, "last": {"step": 8}}
    parts = checkpoints.section([_run(checkpoints=found)]).blocks[0].parts
    assert parts["rows"] == [["By labels", "3", "ROC-AUC (val) 0.900"], ["Last", "8", "–"]]


def test_stages_fill_the_bar() -> None:
    stages = cost.section([_run(**FULL)]).blocks[0].parts["stages"]
    assert sum(stage["width"] for stage in stages) == pytest.approx(100, abs=0.1)
    assert stages[1]["name"] == "training"


def test_label_efficiency_orders_the_own_encoder_first_and_shares_on_a_log_axis() -> None:
    (one,) = efficiency.section([_run(**FULL)]).parts["charts"]
    chart = one["chart"]
    assert [line.name for line in chart.lines] == ["pretrained", "random init", "pixel PCA"]
    assert [tick.text for tick in chart.x.ticks] == ["1\u00a0%", "10\u00a0%", "100\u00a0%"]
    assert len(one["table"]) == 9
    rows = [{**row, "fraction": 0} for row in FULL["label_efficiency"]]
    assert not efficiency.section([_run(label_efficiency=rows)]).present


def test_of_several_runs_the_baselines_of_one_are_drawn() -> None:
    (one,) = efficiency.section([_run("A", **FULL), _run("B", **FULL)]).parts["charts"]
    assert [line.name for line in one["chart"].lines] == [
        "A · pretrained",
        "B · pretrained",
        "A · random init",
        "A · pixel PCA",
    ]


def test_many_warnings_are_counted() -> None:
    found = warnings.section([_run(warnings=[f"warning {n}" for n in range(130)])]).blocks[0].parts["warnings"]
    assert len(found) == 101
    assert found[-1] == "and 30 more"


def test_views_without_a_picture_are_absent(tmp_path: Path) -> None:
    run = RunRecord(path=tmp_path)
    assert "no views.png" in views.section([run], 1_000_000).reason
    (tmp_path / "views.png").write_bytes(b"no picture")
    assert "could not be read" in views.section([run], 1_000_000).reason


def test_overlap_is_told_in_sentences() -> None:
    some = {"images": 3, "of_images": 40, "subjects": 0, "of_subjects": 9, "compared_by": "content"}
    found = {"left_out": 3, "sets": {"x": some, "y": {"images": 0, "of_images": 5, "compared_by": "nothing"}}}
    assert data.section([_run(data={"train": {"name": "t"}, "overlap": found})]).blocks[0].parts["overlap"] == [
        "3 training images that are also held out were left out of training.",
        "3 of the 40 held-out images of x are in the training data (compared by content).",
        "None of the 9 held-out subjects of x is in the training data.",
        "Whether y and the training data share images could not be compared.",
    ]
