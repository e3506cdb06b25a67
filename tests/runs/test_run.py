"""A run directory: made once, opened, finished, its metrics cut; nothing in it that JSON does not know."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from vesalius.errors import UserError
from vesalius.runs import Run, home
from vesalius.runs.run import STATES


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))


def test_create_and_open() -> None:
    run = Run.create("pretrain", "my run/1", {"a": 1, "b": {"c": "no"}}, device="cpu")
    assert run.path.parent == home()
    assert run.path.name.endswith("-pretrain-my-run-1")
    facts = Run.open(run.path).facts()
    assert (facts["verb"], facts["name"], facts["state"], facts["device"]) == ("pretrain", "my run/1", "running", "cpu")
    assert {"id", "started", "versions", "git"} <= facts.keys()
    assert facts["versions"]["torch"] == torch.__version__.partition("+")[0] or facts["versions"]["torch"] == torch.__version__
    assert run.config() == {"a": 1, "b": {"c": "no"}}


def test_two_that_start_in_one_second_get_folders_of_their_own() -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: Run.create("pretrain", "same", {}), range(8)))
    assert len({run.path for run in runs}) == 8
    assert len({run.facts()["id"] for run in runs}) == 8


def test_a_folder_that_holds_a_run_is_refused(tmp_path: Path) -> None:
    Run.create("pretrain", "x", {}, tmp_path / "mine")
    with pytest.raises(UserError, match=r"already holds a run. Continue it with --resume"):
        Run.create("pretrain", "x", {}, tmp_path / "mine")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match=r"is a file. Name a folder"):
        Run.create("pretrain", "x", {}, tmp_path / "file")
    with pytest.raises(UserError, match="cannot be written"):
        Run.create("pretrain", "x", {}, tmp_path / "file" / "below")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    assert Run.create("pretrain", "x", {}, tmp_path / "other").path == tmp_path / "other"


def test_open_wants_a_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no run\.json"):
        Run.open(tmp_path)


def test_a_run_elsewhere_leaves_a_pointer(tmp_path: Path) -> None:
    run = Run.create("pretrain", "x", {}, tmp_path / "elsewhere" / "mine")
    (pointer,) = home().glob("*.path")
    assert pointer.stem == run.facts()["id"]
    assert pointer.read_text() == f"{run.path.resolve()}\n"
    Run.create("pretrain", "x", {}, home() / "inside")
    assert len(list(home().glob("*.path"))) == 1


def test_finish() -> None:
    run = Run.create("pretrain", "x", {})
    for state in STATES:
        run.finish(state)
        assert run.facts()["state"] == state
        assert run.facts()["finished"] >= run.facts()["started"]
    with pytest.raises(ValueError, match="ended"):
        run.finish("ended")


def test_what_is_not_a_number_is_null() -> None:
    run = Run.create("pretrain", "x", {})
    value = {"a": float("nan"), "b": [np.float32("inf"), 1.5], "c": (np.int64(3), torch.tensor([1.0, float("nan")])), "d": -np.inf, "e": True, 5: None}
    run.write_json("x.json", value)
    strict = json.loads((run.path / "x.json").read_text(), parse_constant=lambda word: pytest.fail(word))
    assert strict == {"a": None, "b": [None, 1.5], "c": [3, [1.0, None]], "d": None, "e": True, "5": None}
    run.measure([{"step": 1, "loss": float("nan")}])
    assert run.metrics() == [{"step": 1, "loss": None}]


def test_metrics_are_added_and_cut() -> None:
    run = Run.create("pretrain", "x", {})
    assert run.metrics() == []
    run.measure([{"step": s, "loss": s / 3} for s in range(5)])
    run.measure([])
    run.measure([{"kind": "notice", "step": 5, "text": "ü"}])
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "lo')  # killed while writing
    assert [row["step"] for row in run.metrics()] == [0, 1, 2, 3, 4, 5]
    run.cut_metrics(3)
    assert run.metrics() == [{"step": s, "loss": s / 3} for s in range(4)]
    run.measure([{"step": 4}])
    assert run.metrics()[-1] == {"step": 4}
    run.cut_metrics(-1)
    assert run.metrics() == []


def test_the_log_grows() -> None:
    run = Run.create("pretrain", "x", {})
    run.log("one")
    run.log("two")
    assert [line.split(" ", 1)[1] for line in (run.path / "log.txt").read_text().splitlines()] == ["one", "two"]


def test_record_keeps_what_it_knows() -> None:
    run = Run.create("pretrain", "x", {}, parents=["a"])
    run.record(seconds=3.5)
    assert (run.facts()["parents"], run.facts()["seconds"], run.facts()["process"]) == (["a"], 3.5, os.getpid())
