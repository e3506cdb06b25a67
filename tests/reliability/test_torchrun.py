"""`torchrun` with two processes, and two agents as two machines, give the curve of one process.

The tolerance: samples and views are equal, so a step differs by the order of sums alone, and each adds the rounding of
its gradient: 2e-6 of the loss was measured over these eight steps. 1e-4 is allowed; one wrong sample, statistic or factor
makes more than 1e-2. A single ReLU that opens on one side only changes the gradient's norm by some thousandths. Rate and
temperature are such that this does not matter: with a gradient of norm 25 and ten times the rate, two runs that differ by
1e-7 at first differ by 7e-2 after six steps.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import labelled
from tests.recipes.tiny import blobs, tiny
from tests.reliability.harness import free_port
from tests.reliability.processes import environment, known_key, vesalius

STEPS = 8
AGENT = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--nproc_per_node"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recipe and the run ``one`` of one process."""
    folder = tmp_path_factory.mktemp("torchrun")
    known_key(folder)
    recipe = tiny(blobs(folder), steps=STEPS, validate_every={"steps": 4})
    recipe["method"] = {"name": "simclr", "hidden": 64, "dim": 32, "temperature": 1.0}
    recipe["optimizer"] = {"name": "sgd", "lr": 2e-3}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    done = vesalius(folder, "pretrain", "recipe.yaml", "--out", "one")
    assert done.returncode == 0, done.stderr
    return folder


def curve(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def same_curve(one: Path, other: Path) -> None:
    a, b = curve(one), curve(other)
    assert [(row["kind"], row["step"]) for row in a] == [(row["kind"], row["step"]) for row in b]
    for mine, theirs in zip(a, b, strict=True):
        assert mine.get("lr") == theirs.get("lr")
        for key in ("loss", "grad_norm", "monitor/spread/rankme", "monitor/knn/accuracy", "monitor/linear/accuracy"):
            if key in mine:
                # one of the 32 validation images may change sides
                slack = {"abs": 1 / 32 + 1e-9} if "accuracy" in key else {"rel": 1e-2 if key == "grad_norm" else 1e-4}
                assert theirs[key] == pytest.approx(mine[key], **slack), (key, mine["step"])
    assert sum(row["kind"] == "train" for row in a) == STEPS


def one_run(folder: Path, other: Path) -> None:
    assert not (folder / "runs" / "pretrain").exists()
    assert json.loads((other / "run.json").read_text())["state"] == "done"
    assert json.loads((other / "run.json").read_text())["world"] == 2
    assert {p.name for p in other.iterdir()} == {p.name for p in (folder / "one").iterdir()}


def test_two_processes_of_one_machine(alone: Path) -> None:
    words = [*AGENT, "2", "--master_port", str(free_port()), "-m", "vesalius.cli", "pretrain", "recipe.yaml", "--batch_size", "8", "--out", "two"]
    done = subprocess.run(words, cwd=alone, env=environment(alone), capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("two\n") == 1, "one process answers"
    assert "8 per process × 2 process(es)" in done.stderr
    assert done.stderr.count("8 per process") == 1, "one process talks"
    same_curve(alone / "one", alone / "two")
    one_run(alone, alone / "two")


def test_fine_tuning_end_to_end(tmp_path: Path) -> None:
    """The same training by two processes: curve, looks at validation, and the scores that follow.

    2e-7 of the loss was measured. The head begins at zero: one solved on the statistics of this random encoder begins with
    a gradient of norm 800 here, and then 3e-7 at the first step is 1e-1 at the fifth.
    """
    recipe = {
        **labelled.RECIPE,
        "data": {**labelled.RECIPE["data"], "train": str(labelled.images(tmp_path / "data")), "labels": "ill"},
        "encoder": {"weights": str(labelled.encoder(tmp_path / "encoder")), "freeze": False},
        "optimizer": {"name": "sgd", "lr": 1e-2, "layer_decay": None},
        "linear_first": False,
        "steps": STEPS,
        "validate_every": {"steps": 4},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    known_key(tmp_path)
    done = vesalius(tmp_path, "finetune", "recipe.yaml", "--out", "one")
    assert done.returncode == 0, done.stderr
    words = [*AGENT, "2", "--master_port", str(free_port()), "-m", "vesalius.cli", "finetune", "recipe.yaml", "--batch_size", "14", "--out", "two"]
    done = subprocess.run(words, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("two\n") == 1, "one process answers"
    one, two = curve(tmp_path / "one"), curve(tmp_path / "two")
    assert [(row["kind"], row["step"]) for row in one] == [(row["kind"], row["step"]) for row in two]
    compared = 0
    for mine, theirs in zip(one, two):
        for key in mine.keys() & theirs.keys() - {"kind", "time", "images_per_second", "wait_share", "best", "text"}:
            assert theirs[key] == pytest.approx(mine[key], rel=1e-4, abs=1e-6), (key, mine["step"])
            compared += key in ("loss", "monitor/validation/roc_auc")
    assert compared >= STEPS + 2
    found = [json.loads((tmp_path / name / "results.json").read_text())["scores"] for name in ("one", "two")]
    assert [s["value"] for s in found[1]] == pytest.approx([s["value"] for s in found[0]], abs=1e-4)
    assert json.loads((tmp_path / "two" / "run.json").read_text())["world"] == 2
    assert {p.name for p in (tmp_path / "two").iterdir()} == {p.name for p in (tmp_path / "one").iterdir()}


def test_input_that_cannot_be_used_ends_every_process(alone: Path) -> None:
    """torchrun itself always ends with 1 and names the exit code of the process that failed first."""
    command = [*AGENT, "2", "--master_port", str(free_port()), "-m", "vesalius.cli", "pretrain", "recipe.yaml", "--out", "one"]
    done = subprocess.run(command, cwd=alone, env=environment(alone), capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode != 0
    assert "one already holds a run" in done.stderr
    assert "exitcode  : 2" in done.stderr
    assert "vesalius/cli.py" not in done.stderr, "no traceback of ours"


@pytest.fixture
def machines() -> Iterator[list[tuple[list[str], str, str]]]:
    """Two network name spaces joined by a wire: how to enter, address, interface; plain loopback where that is not possible."""
    names, wires = [f"vesalius-{os.getpid()}-{n}" for n in (0, 1)], [f"v{os.getpid() % 10**6}{n}" for n in "ab"]
    commands = [["ip", "netns", "add", name] for name in names]
    commands.append(["ip", "link", "add", wires[0], "type", "veth", "peer", "name", wires[1]])
    for n, (name, wire) in enumerate(zip(names, wires)):
        commands.append(["ip", "link", "set", wire, "netns", name])
        enter = ["ip", "netns", "exec", name]
        commands += [[*enter, "ip", "addr", "add", f"10.77.7.{n + 1}/24", "dev", wire], [*enter, "ip", "link", "set", wire, "up"]]
        commands.append([*enter, "ip", "link", "set", "lo", "up"])
    able = shutil.which("ip") is not None and os.geteuid() == 0
    able = able and all(subprocess.run(c, capture_output=True, check=False).returncode == 0 for c in commands)
    if able:
        yield [(["ip", "netns", "exec", name], f"10.77.7.{n + 1}", wires[n]) for n, name in enumerate(names)]
    for name in names if shutil.which("ip") else ():
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    if not able:
        yield [([], "127.0.0.1", "lo"), ([], "127.0.0.1", "lo")]


def test_two_machines(alone: Path, machines: list[tuple[list[str], str, str]]) -> None:
    """Two agents, `--nnodes 2`, one rendezvous; they share the file system, as the machines of a cluster do."""
    endpoint = f"{machines[0][1]}:{free_port()}"
    agents = []
    for number, (enter, address, wire) in enumerate(machines):
        rendezvous = ["--nnodes", "2", "--rdzv_backend", "c10d", "--rdzv_endpoint", endpoint, "--rdzv_id", "vesalius", "--local_addr", address]
        rendezvous += ["--rdzv_conf", f"is_host={1 - number}"]  # the addresses of a name space are not those of the host's name
        words = [*enter, *AGENT, "1", *rendezvous, "-m", "vesalius.cli", "pretrain", "recipe.yaml", "--batch_size", "8", "--out", "far"]
        agents.append(
            subprocess.Popen(
                words, cwd=alone, env=environment(alone, GLOO_SOCKET_IFNAME=wire), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        )
    said = [agent.communicate(timeout=200) for agent in agents]
    assert [agent.returncode for agent in agents] == [0, 0], [err[-2000:] for _, err in said]
    assert sorted(out for out, _ in said) == ["", "far\n"]
    same_curve(alone / "one", alone / "far")
    one_run(alone, alone / "far")
