"""A line as a Slurm job: the script, what is refused, and a job of submitit's local executor, interrupted and gone on with."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.recipes.tiny import blobs, tiny
from tests.reliability.harness import compare
from tests.submit.commands import vesalius
from vesalius.submit import task
from vesalius.submit.attempt import words
from vesalius.submit.task import Task

submitit = pytest.importorskip("submitit", reason="needs the extra slurm")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    return tmp_path


def test_the_script(here: Path) -> None:
    options = shlex.split("--partition gpu --gpus 4 --nodes 2 --time 3.5h --cpus 8 --memory 1.5 --account us --qos low --comment night")
    more = ["--slurm", "constraint=a100", "--slurm", "exclusive", "--setup", "module load cuda"]
    code, script, said = vesalius("submit", "slurm", *options, *more, "--dry-run", "--", "pretrain", "cifar10-simclr", "--epochs", "3")
    assert code == 0, said
    told = {line.removeprefix("#SBATCH --") for line in script.splitlines() if line.startswith("#SBATCH")}
    assert {"partition=gpu", "nodes=2", "ntasks-per-node=4", "gpus-per-node=4", "cpus-per-task=8", "mem=1536M", "time=210"} <= told
    assert {"account=us", "qos=low", "comment=night", "constraint=a100", "exclusive", "requeue", "signal=USR2@120"} <= told
    assert "job-name=pretrain-cifar10-simclr" in told
    assert "module load cuda" in script.splitlines()
    command = next(line for line in script.splitlines() if line.startswith("srun "))
    assert "--kill-on-bad-exit=1" in command
    assert "-pretrain-cifar10-simclr.slurm/%j_%t_log.out" in command
    assert not (here / "runs").exists(), "nothing was begun"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("submit slurm", ["Nothing to submit", "-- pretrain demo"]),
        ("submit slurm -- report latest", ["report is not for a cluster", "pretrain, finetune"]),
        ("submit slurm -- pretrain nope", ["no recipe 'nope'"]),
        ("submit slurm -- pretrain demo --epoch 3", ["'epoch'", "Did you mean epochs"]),
        ("submit slurm -- pretrain demo --data.train imagnet", ["'imagnet' is neither a source"]),
        ("submit slurm -- finetune classifier --data.train demo", ["names no encoder"]),
        ("submit slurm -- embed --data demo", ["--encoder"]),
        ("submit slurm --time soon -- pretrain demo", ["--time is 'soon'"]),
        ("submit slurm --time 1m -- pretrain demo", ["not longer than the 120 s"]),
        ("submit slurm --nodes 0 -- pretrain demo", ["at least 1"]),
        ("submit slurm --gpus 2 -- embed --encoder resnet18 --data demo", ["embed is one process"]),
        ("submit slurm --gpus 2 --processes 3 -- pretrain demo", ["differ"]),
        ("submit slurm --slurm time=3 -- pretrain demo", ["time is set by the job itself"]),
        ("submit slurm -- pretrain demo --resume latest", ["There is no run below"]),
        ("submit slurm -- pretrain demo --azure_dataset_id x", ["data assets are Azure's"]),
        ("submit slurm -- pretrain demo", ["There is no sbatch here", "--dry-run"]),
    ],
)
def test_what_is_refused_before_anything_is_sent(here: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: list[str]) -> None:
    monkeypatch.setenv("PATH", "")
    code, out, err = vesalius(*line.split())
    assert (code, out) == (2, "")
    assert err.count("\n") == 1, err
    for word in words:
        assert word in err
    assert not (here / "runs").exists(), "nothing was begun"


def test_each_attempt_begins_or_goes_on(tmp_path: Path) -> None:
    line, run = ("pretrain", "demo", "--epochs", "2"), tmp_path / "run"
    assert words(line, run) == [*line, "--out", str(run)]
    run.mkdir()
    assert words(line, run) == [*line, "--out", str(run)], "killed before there was a run"
    (run / "run.json").write_text("{}")
    assert words(line, run) == ["pretrain", "--resume", str(run)]
    assert words(("embed", "--encoder", "x"), None) == ["embed", "--encoder", "x"], "goes on by itself"


def test_an_interrupted_job_goes_on_and_ends_as_if_it_had_not_been(here: Path) -> None:
    (here / "recipe.yaml").write_text(yaml.safe_dump(tiny(blobs(here), steps=40, checkpoint_every={"steps": 5})))
    assert vesalius("pretrain", "recipe.yaml", "--out", "whole")[0] == 0
    run = here / "runs" / "part"
    executor = submitit.LocalExecutor(folder=here / "part.slurm")
    executor.update_parameters(timeout_min=4, signal_delay_s=1)
    job = executor.submit(Task(("pretrain", "recipe.yaml"), run))
    end = time.monotonic() + 120
    while not list((run / "checkpoints").glob("step-*")):
        assert job.state == "RUNNING", job.stderr()
        assert time.monotonic() < end
        time.sleep(0.002)
    process = json.loads((run / "run.json").read_text())["process"]
    os.kill(process, signal.SIGUSR2)
    job.wait()
    assert job.result() is None
    log = job.stderr()
    assert "Stopped as asked after step" in log
    assert compare(here / "whole", run) == []
    assert json.loads((run / "run.json").read_text())["state"] == "done"
    assert "part" in vesalius("runs", "list")[1]
    code, script, err = vesalius("submit", "slurm", "--dry-run", "--", "pretrain", "--resume", "part")
    assert code == 0, err
    assert "/runs/part.slurm/" in script, "a run by name, gone on with where it is"


# ---- who puts it back in the queue


@pytest.mark.parametrize(("state", "asked"), [("RUNNING", True), ("CANCELLED", False), ("COMPLETING", False), ("PENDING", False), ("", False)])
def test_only_a_job_that_still_runs_asks_for_the_queue(state: str, asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Here:
        cluster, job_id = "slurm", "12"

    calls: list[Any] = []
    monkeypatch.setattr(task, "_state", lambda job: state)
    monkeypatch.setattr(task, "WAIT", 0.0)
    task._again(lambda number, frame: calls.append(number), Here())
    assert calls == ([signal.SIGUSR2] if asked else [])


def test_a_job_that_slurm_queued_again_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    class Here:
        cluster, job_id = "slurm", "12"

    def late(number: int, frame: object) -> None:
        raise subprocess.CalledProcessError(1, "scontrol")

    monkeypatch.setattr(task, "_state", lambda job: "RUNNING")
    monkeypatch.setattr(task, "WAIT", 0.0)
    task._again(late, Here())
