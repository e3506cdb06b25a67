"""Which checkpoint: what is said of the choices, that the run hands over the one that ``export`` names, and the examination of a resumed run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.recipes.tiny import blobs, tiny
from vesalius.errors import Preempted, UserError
from vesalius.evaluate.pretrained.choosing import checkpoints
from vesalius.files import checksum
from vesalius.pretrain import pretrain
from vesalius.training.display import FitDisplay
from vesalius.training.stop import StopRequests


class Watching:
    """A monitor by its words alone."""

    higher_is_better = True

    def __init__(self, name: str, metric: str, also: tuple[str, ...] = ()) -> None:
        self.name, self.metric, self.also = name, metric, also

    def __call__(self, features: Any, method: Any, at: Any) -> Any:
        raise AssertionError("the choices are read from what was logged")

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Any) -> None:
        assert not state


KNN, SPREAD, LIDAR = Watching("knn", "accuracy"), Watching("spread", "rankme", ("alpha_req",)), Watching("lidar", "lidar")


def look(step: int, accuracy: float | None, rankme: float, alpha: float, *best: str) -> dict[str, Any]:
    row = {"kind": "monitor", "step": step, "monitor/spread/rankme": rankme, "monitor/spread/alpha_req": alpha}
    return {**row, "monitor/knn/accuracy": accuracy, **({"best": [*best]} if best else {})}


ROWS = [
    {"kind": "train", "step": 1, "loss": 1.0},
    look(0, 0.9, 50.0, 1.0),
    look(10, 0.6, 20.0, 1.3, "best-knn", "best-spread", "best-spread-alpha_req"),
    look(20, 0.8, 30.0, 1.1, "best-knn", "best-spread", "best-spread-alpha_req"),
    look(30, 0.75, 40.0, 1.6, "best-spread"),
    look(40, 0.7, 35.0, 1.5),
]


def test_every_choice_is_judged_by_the_labels() -> None:
    found = checkpoints(ROWS, [SPREAD, KNN], ["knn"], "last")
    choices = {c["name"]: (c["step"], c["value"], c["labelled"], pytest.approx(c["loss"])) for c in (*found["criteria"], {**found["last"], "value": None})}
    assert choices == {
        "best-spread": (30, 40.0, 0.75, 0.05),
        "best-spread-alpha_req": (20, 1.1, 0.8, 0.0),
        "best-knn": (20, 0.8, 0.8, 0.0),
        "last": (40, None, 0.7, 0.1),
    }
    assert {c["name"] for c in found["criteria"] if c["by_labels"]} == {"best-knn"}
    assert found["chosen_by_labels"] == {"name": "best-knn", "step": 20, "metric": "knn/accuracy", "value": 0.8}
    assert found["agree"] is False
    assert found["exported"] == {"name": "last", "step": 40}
    assert found["sentence"].startswith("Against the best by labels (knn/accuracy 0.800 at step 20, chosen on these very")
    assert "best-spread (step 30) loses 0.050" in found["sentence"]
    assert "last (step 40) loses 0.100." in found["sentence"]
    assert checkpoints(ROWS, [SPREAD, KNN], ["knn"], "best-spread")["exported"] == {"name": "best-spread", "step": 30}


def test_a_choice_between_two_labelled_looks_was_not_measured() -> None:
    rows = [*ROWS[:4], {"kind": "monitor", "step": 35, "monitor/lidar/lidar": 9.0, "best": ["best-lidar"]}, ROWS[5]]
    found = checkpoints(rows, [KNN, LIDAR], ["knn"], "last")
    choice = next(c for c in found["criteria"] if c["name"] == "best-lidar")
    assert (choice["labelled"], choice["loss"]) == (None, None)
    assert "best-lidar (step 35) was not measured there" in found["sentence"]


def test_without_labels_nobody_can_say() -> None:
    found = checkpoints(ROWS, [SPREAD], [], "last")
    assert found["sentence"] == (
        "Nothing here is labelled, so that nobody can say which choice is the better: best-spread step 30, "
        "best-spread-alpha_req step 20, of 40."
    )
    assert "chosen_by_labels" not in found
    assert all("loss" not in c for c in found["criteria"])


def test_when_all_choose_the_last() -> None:
    rows = [look(10, 0.5, 10.0, 2.0, "best-knn", "best-spread", "best-spread-alpha_req")]
    found = checkpoints(rows, [KNN, SPREAD], ["knn"], "last")
    assert found["agree"] is True
    assert found["sentence"] == "Every criterion chooses the last checkpoint, step 10; a longer run might give more."


def test_of_a_run_that_was_never_looked_at() -> None:
    assert checkpoints(ROWS[:2], [KNN], ["knn"], "last") == {}
    nothing = [look(10, None, 1.0, float("nan"))]
    assert checkpoints(nothing, [KNN], ["knn"], "last") == {
        "criteria": [],
        "last": {"name": "last", "step": 10},
        "exported": {"name": "last", "step": 10},
    }


MONITORS = ["linear", "knn", "spread", {"name": "lidar", "images": 24, "views": 4}]


def recipe(folder: Path, **changes: Any) -> dict[str, Any]:
    return tiny(blobs(folder), steps=12, validate_every={"steps": 2}, checkpoint_every={"steps": 3}, monitors=MONITORS, **changes)


def test_export_hands_over_the_checkpoint_it_names_and_a_resumed_run_does_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = pretrain(recipe(tmp_path), out=tmp_path / "last", quiet=True).path
    found = json.loads((last / "results.json").read_text())["checkpoints"]
    names = ["best-linear", "best-knn", "best-spread", "best-spread-alpha_req", "best-lidar"]
    assert [c["name"] for c in found["criteria"]] == names
    assert found["exported"] == {"name": "last", "step": 12}
    for choice in found["criteria"]:
        card = json.loads((last / "checkpoints" / choice["name"] / "encoder.json").read_text())
        assert f"{choice['step']} of 12 steps" in card["trained_on"]
    early = min(found["criteria"], key=lambda c: c["step"])
    assert early["step"] < 12, "else this test shows nothing"
    given = recipe(tmp_path, export=early["name"], examine=True)
    whole = pretrain(given, out=tmp_path / "whole", quiet=True).path

    with monkeypatch.context() as patch:
        patch.setattr(StopRequests, "agreed", lambda self: shown[0] >= early["step"] + 1)
        shown, step = [0], FitDisplay.step
        patch.setattr(FitDisplay, "step", lambda self, at, *rest: (shown.__setitem__(0, at.step), step(self, at, *rest))[1])
        with pytest.raises(Preempted):
            pretrain(given, out=tmp_path / "part", quiet=True)
    pretrain(resume=tmp_path / "part", quiet=True)

    chosen = last / "checkpoints" / early["name"]
    for run in (whole, tmp_path / "part"):
        for name in ("encoder.safetensors", "projector.safetensors"):
            assert checksum(run / name) == checksum(chosen / name)
            assert checksum(run / name) != checksum(last / name)
        assert f"{early['step']} of 12 steps" in json.loads((run / "encoder.json").read_text())["trained_on"]
        results = json.loads((run / "results.json").read_text())
        assert results["checkpoints"]["exported"] == {"name": early["name"], "step": early["step"]}
    # what is examined is what is handed over
    scores = [json.loads((run / "results.json").read_text())["probes"] for run in (whole, tmp_path / "part")]
    assert scores[0] == scores[1]


def test_an_export_that_no_monitor_makes_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"export is 'best-lidar', but no monitor .* best-linear, best-knn, best-spread"):
        pretrain(tiny(blobs(tmp_path), export="best-lidar"), out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_where_nothing_was_chosen_the_last_is_handed_over_and_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vesalius.measures import rank

    monkeypatch.setattr(rank, "lidar", lambda views, delta: float("nan"))
    run = pretrain(recipe(tmp_path, export="best-lidar"), out=tmp_path / "run", quiet=True)
    assert run.results["checkpoints"]["exported"]["name"] == "last"
    assert "No look of the monitors after the first step chose best-lidar: the last encoder is handed over." in run.results["warnings"]


def test_lidar_looks_at_training_images_where_none_are_labelled(tmp_path: Path) -> None:
    given = tiny(blobs(tmp_path), monitors=[{"name": "lidar", "images": 24, "views": 4}])
    given["data"] = {"train": given["data"]["train"]}
    run = pretrain(given, out=tmp_path / "run", quiet=True)
    (choice,) = run.results["checkpoints"]["criteria"]
    assert (choice["name"], choice["by_labels"], choice["step"]) == ("best-lidar", False, 4)
    assert 1 < choice["value"] <= 23
