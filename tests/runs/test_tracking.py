"""Trackers follow the folder: what they lack is sent, nothing twice, and nothing of theirs ever stops a run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from vesalius import registry
from vesalius.errors import Preempted, UserError
from vesalius.recipes.loading import load_pretrain
from vesalius.recipes.resuming import noted
from vesalius.runs import Run, tracking
from vesalius.runs.tracker import flat
from vesalius.runs.tracking import send, tracked

PLUGIN = """
from pydantic import BaseModel
VESALIUS = {"trackers": ["shelf"]}
THERE = {"points": [], "files": {}, "notices": [], "state": None, "begun": 0}
FAILS = set()
class Config(BaseModel):
    checkpoints: str = "end"
class Shelf:
    report = True
    def __init__(self, config): self.checkpoints = config.checkpoints
    def _may(self, word):
        if word in FAILS: raise ConnectionError("no shelf at /home/somebody")
    def begin(self, config):
        self._may("begin"); THERE["begun"] += 1; THERE["config"] = dict(config); return {"run_id": "s1"}
    def last_steps(self): return {k: max(p.step for p in THERE["points"] if p.key == k) for k in {p.key for p in THERE["points"]}}
    def points(self, points): self._may("points"); THERE["points"] += points
    def notice(self, step, text): THERE["notices"].append((step, text))
    def file(self, source, place): self._may("file"); THERE["files"][place] = source.read_bytes()
    def forget(self, place, keep):
        for name in [n for n in THERE["files"] if n.startswith(place + "/") and not n.startswith(f"{place}/{keep}/")]: del THERE["files"][name]
    def end(self, state): THERE["state"] = state
def build(config, run): return Shelf(config)
"""


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(tracking, "POLL", 0.01)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    (tmp_path / "shelf.py").write_text(PLUGIN)
    registry.load_plugin(tmp_path / "shelf.py")
    return registry.entry("trackers", "shelf")


def started(**config: Any) -> Run:
    return Run.create("pretrain", "x", {"data": {"train": "/ward/Quillfeather"}, "steps": 9, "tracking": [{"name": "shelf"}], **config})


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [{"kind": "train", "step": s, "loss": 1 / s, "note": "text", "lr": None} for s in range(first, last + 1)]


def checkpoint(run: Run, step: int) -> None:
    folder = run.path / "checkpoints" / f"step-{step:08d}"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(f'{{"step": {step}}}')
    (run.path / "checkpoints" / "best-x").mkdir(exist_ok=True)
    (run.path / "checkpoints" / "best-x" / "encoder.json").write_text(str(step))


def soon(true: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def test_all_of_a_run_arrives_while_it_goes_on_and_at_its_end(shelf: Any) -> None:
    run = started()
    with tracked(run, [{"name": "shelf"}], True, print), noted(run, True):
        run.measure(rows(1, 3))
        soon(lambda: len(shelf.THERE["points"]) == 3)
        run.measure([*rows(4, 5), {"kind": "notice", "step": 5, "text": "look"}, {"kind": "monitor", "step": 5, "monitor/knn/accuracy": 0.5}])
        run.write_text("encoder.safetensors", "weights")
        run.write_text("report.html", "<p>")
        run.write_json("results.json", {"probes": [{"encoder": "own", "probe": "knn", "metric": "accuracy", "value": 0.7}, {"value": None}]})
        run.finish("done")
    got = {(p.key, p.step): p.value for p in shelf.THERE["points"]}
    assert got == {**{("loss", s): 1 / s for s in range(1, 6)}, ("monitor/knn/accuracy", 5): 0.5, ("results/own/knn/accuracy", 5): 0.7}
    assert len(shelf.THERE["points"]) == len(got)
    assert shelf.THERE["notices"] == [(5, "look")]
    assert shelf.THERE["state"] == "done"
    assert shelf.THERE["files"].keys() == {"metrics.jsonl", "report.html", "results.json", "encoder/encoder.safetensors", "encoder/sha256.json"}
    assert shelf.THERE["config"]["data.train"] == "(in config.yaml)"
    assert shelf.THERE["config"]["steps"] == "9"
    assert run.facts()["tracked"] == {"shelf": {"run_id": "s1"}}


def test_a_resumed_run_doubles_nothing(shelf: Any) -> None:
    run = started()

    def begin() -> None:
        with tracked(run, [{"name": "shelf"}], True, print), noted(run, True):
            run.measure(rows(1, 6))
            raise Preempted("stopped")

    with pytest.raises(Preempted):
        begin()
    assert (shelf.THERE["state"], run.facts()["state"]) == ("preempted", "preempted")
    with tracked(run, [{"name": "shelf"}], True, print), noted(run, True):
        run.cut_metrics(4)
        run.measure(rows(5, 9))
        run.finish("done")
    assert [p.step for p in shelf.THERE["points"]] == [*range(1, 10)]
    assert shelf.THERE["state"] == "done"


@pytest.mark.parametrize("word", ["begin", "points", "file"])
def test_a_tracker_that_fails_is_warned_of_once_and_what_it_missed_is_listed_and_sent_later(shelf: Any, word: str) -> None:
    run, said = started(), []
    shelf.FAILS.add(word)
    with tracked(run, [{"name": "shelf"}], True, said.append), noted(run, True):
        run.measure(rows(1, 3))
        run.write_text("report.html", "<p>")
        run.finish("done")
    assert run.facts()["state"] == "done"
    warned = [text for text in said if "failed (ConnectionError: no shelf" in text]
    assert len(warned) == 1
    missing = run.facts()["tracked"]["shelf"]["missing"]
    assert missing == {"begin": ["everything"], "points": ["3 numbers", "results and files"], "file": ["metrics.jsonl", "report.html", "the run's end"]}[word]
    assert f"did not get everything: {', '.join(missing)}." in said[-1]
    assert "vesalius runs track" in said[-1]
    log = (run.path / "log.txt").read_text()
    assert log.count("shelf failed (ConnectionError)") == 1
    assert "somebody" not in log
    with pytest.raises(UserError, match="did not get"):
        send(run, [{"name": "shelf"}], said.append)
    shelf.FAILS.clear()
    send(run, [{"name": "shelf"}], said.append)
    assert said[-1] == f"shelf has all of {run.path.name}."
    assert [p.step for p in shelf.THERE["points"]] == [1, 2, 3]
    assert shelf.THERE["files"].keys() == {"metrics.jsonl", "report.html"}
    assert "missing" not in run.facts()["tracked"]["shelf"]


def test_what_failed_in_the_middle_is_sent_again_before_the_end(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run, said = started(), []
    shelf.FAILS.add("points")
    with tracked(run, [{"name": "shelf"}], True, said.append), noted(run, True):
        run.measure(rows(1, 3))
        soon(lambda: any("failed" in text for text in said))
        shelf.FAILS.clear()
        soon(lambda: len(shelf.THERE["points"]) == 3)
        run.finish("done")
    assert run.facts()["tracked"] == {"shelf": {"run_id": "s1"}}


@pytest.mark.parametrize(("when", "kept"), [("never", []), ("end", ["step-00000004"]), ("every", ["step-00000004"])])
def test_what_another_machine_goes_on_from(shelf: Any, when: str, kept: list[str]) -> None:
    run = started()
    with tracked(run, [{"name": "shelf", "checkpoints": when}], True, print), noted(run, True):
        run.measure(rows(1, 2))
        checkpoint(run, 2)
        run.saved()
        if when == "every":
            soon(lambda: "recovery/step-00000002/sha256.json" in shelf.THERE["files"])
            assert shelf.THERE["files"]["recovery/step-00000002/checkpoints/best-x/encoder.json"] == b"2"
        else:
            time.sleep(0.1)
            assert not shelf.THERE["files"]
        checkpoint(run, 4)
        run.saved()
        run.finish("failed")
    assert sorted({name.split("/")[1] for name in shelf.THERE["files"] if name.startswith("recovery/")}) == kept
    assert not (run.path / ".tracking").exists()
    if kept:
        place = f"recovery/{kept[0]}"
        assert b"Quillfeather" not in b"".join(shelf.THERE["files"].values())
        needed = ("run.json", "config.yaml", "metrics.jsonl", "sha256.json", f"checkpoints/{kept[0]}/state.json")
        assert shelf.THERE["files"].keys() >= {f"{place}/{name}" for name in needed}


def test_other_ranks_and_untracked_runs_have_no_trackers(shelf: Any) -> None:
    run = started()
    with tracked(run, [{"name": "shelf"}], False, print), tracked(run, [], True, print):
        run.measure(rows(1, 2))
    assert shelf.THERE["begun"] == 0
    assert "tracked" not in run.facts()


def test_how_trackers_are_named(shelf: Any) -> None:
    def read(*changes: dict[str, Any]) -> list[dict[str, Any]]:
        recipe: dict[str, Any] = {"data": {"train": "x"}, "steps": 1}
        return load_pretrain({**recipe, **changes[0]}, changes[1] if len(changes) > 1 else {})[0].model_dump(mode="json")["tracking"]

    assert read({}) == []
    assert read({"tracking": "mlflow,tensorboard"}) == read({"tracking": ["mlflow", "tensorboard"]}) == [{"name": "mlflow"}, {"name": "tensorboard"}]
    assert read({"tracking": {"name": "mlflow", "experiment": 2024}}) == [{"name": "mlflow", "experiment": 2024}]
    assert read({"tracking": ["mlflow"]}, {"tracking": {"mlflow": {"uri": "http://x"}}}) == [{"name": "mlflow", "uri": "http://x"}]
    assert read({"tracking": ["mlflow"]}, {"tracking": []}) == read({"tracking": "mlflow"}, {"tracking": None}) == []
    with pytest.raises(UserError, match=r"no 'mlfow' among the trackers. Did you mean mlflow"):
        read({"tracking": "mlfow"})
    with pytest.raises(UserError, match=r"There is no field 'url' in tracker mlflow. Did you mean uri"):
        read({"tracking": [{"name": "mlflow", "url": "x"}]})
    with pytest.raises(UserError, match="names mlflow twice"):
        read({"tracking": ["mlflow", "mlflow"]})


def test_a_configuration_flat() -> None:
    found = flat({"a": {"b": 1, "c": None}, "m": [{"name": "knn", "k": 2}, {"name": "knn"}], "l": [1, 2], "t": "", "e": {}})
    assert found == {"a.b": "1", "a.c": "null", "m.knn.0.name": "knn", "m.knn.0.k": "2", "m.knn.1.name": "knn", "l": "[1, 2]", "t": "''", "e": "{}"}
