"""A real MLflow server and the local file: logged, listed, fetched by id, gone on with exactly; gone in the middle."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from tests.recipes.tiny import blobs, tiny
from tests.reliability.harness import compare
from tests.reliability.processes import environment
from tests.runs.mlflow_server import Server
from vesalius.cli import main
from vesalius.encoders import load_encoder, weights_hash
from vesalius.errors import UserError
from vesalius.finetune import finetune
from vesalius.pretrain import pretrain
from vesalius.runs import Run, mlflow_store, tracking
from vesalius.runs.trackers import mlflow
from vesalius.training import checkpoints

pytestmark = pytest.mark.skipif(
    find_spec("mlflow") is None or find_spec("flask") is None, reason="mlflow is not installed with its server (pip install mlflow)"
)
WORD = "Quillfeather"


class Killed(BaseException):
    """What stands for a kill: no code of ours takes it for an error of the user's."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("mlflow"))
    yield made
    made.stop()


@pytest.fixture
def here(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own: runs, cache, and the server in its environment."""
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VESALIUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tracking, "POLL", 0.05)
    server.open()
    return tmp_path


def data(folder: Path) -> Path:
    return blobs(folder / f"ward {WORD}")


def recipe(folder: Path, **more: Any) -> dict[str, Any]:
    return tiny(data(folder), steps=4, checkpoint_every={"steps": 2}, validate_every={"steps": 2}, **more)


def tracked_id(run: Path) -> str:
    return str(Run.open(run).facts()["tracked"]["mlflow"]["run_id"])


def client(server: Server) -> Any:
    return mlflow_store.client(server.url)


def history(store: Any, run: Path) -> dict[tuple[str, int], list[float]]:
    """Every value of every metric there, by step."""
    found: dict[tuple[str, int], list[float]] = {}
    run_id = tracked_id(run)
    for key in store.get_run(run_id).data.metrics:
        for one in store.get_metric_history(run_id, key):
            found.setdefault((key, one.step), []).append(one.value)
    return {k: v for k, v in found.items() if not k[0].startswith("results/")}


def measured(run: Path) -> dict[tuple[str, int], list[float]]:
    rows = Run.open(run).metrics()
    return {
        (key, row["step"]): [float(value)]
        for row in rows
        for key, value in row.items()
        if key not in ("step", "kind") and isinstance(value, int | float)
    }


def artifacts(store: Any, run_id: str, place: str = "") -> list[str]:
    found = []
    for item in store.list_artifacts(run_id, place or None):
        found += artifacts(store, run_id, item.path) if item.is_dir else [item.path]
    return found


def killed_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends when checkpoint ``step`` is written."""
    whole = checkpoints.save

    def save(folder: Path, at: int, *rest: Any, **more: Any) -> Path:
        written = whole(folder, at, *rest, **more)
        if at == step:
            raise Killed
        return written

    monkeypatch.setattr(checkpoints, "save", save)


@pytest.fixture
def pretrained(here: Path) -> Path:
    return pretrain(recipe(here), quiet=True, tracking={"mlflow": {"experiment": "chest", "checkpoints": "every"}}).path


def test_logged_listed_and_fetched_by_id(
    pretrained: Path, server: Server, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store, run_id = client(server), tracked_id(pretrained)
    there = store.get_run(run_id)
    assert there.info.status == "FINISHED"
    assert store.get_experiment(there.info.experiment_id).name == "chest"
    assert there.data.params["method.name"] == "simclr"
    assert there.data.params["data.train"] == "(in config.yaml)"
    assert there.data.tags["vesalius.verb"] == "pretrain"
    assert history(store, pretrained) == measured(pretrained)
    names = artifacts(store, run_id)
    assert {"report.html", "results.json", "metrics.jsonl", "encoder/encoder.safetensors", "encoder/encoder.json"} <= set(names)
    assert {name.split("/")[1] for name in names if name.startswith("recovery/")} == {"step-00000004"}, "older ones are deleted"
    place = store.download_artifacts(run_id, "", str(here / "all"))
    assert not [p for p in Path(place).rglob("*") if p.is_file() and WORD.encode() in p.read_bytes()]

    with pytest.raises(SystemExit):
        main(["runs", "list"])
    assert f"mlflow:{run_id}" in capsys.readouterr().out

    own = load_encoder(pretrained)
    assert weights_hash(load_encoder(f"mlflow:{run_id}")) == weights_hash(own)
    server.shut()
    assert weights_hash(load_encoder(f"mlflow:{run_id}")) == weights_hash(own), "from the cache, without the server"
    (kept,) = (here / "cache" / "weights").rglob("encoder.safetensors")
    kept.write_bytes(kept.read_bytes()[:-4])
    with pytest.raises(UserError, match="MLflow could not be asked"):
        load_encoder(f"mlflow:{run_id}")
    server.open()
    assert weights_hash(load_encoder(f"mlflow:{run_id}")) == weights_hash(own), "what is damaged is fetched again"
    assert load_encoder(f"mlflow:{run_id}/recovery/step-00000004/checkpoints/best-knn").card.dim == own.card.dim
    with pytest.raises(UserError, match="MLflow has no run 'nothing'"):
        load_encoder("mlflow:nothing")

    monkeypatch.setenv("VESALIUS_RUNS", str(here / "other machine"))
    made = finetune({"data": {"train": str(data(here))}, "steps": 1}, pretraining_run_recovery_id=f"chest:{run_id}", quiet=True)
    assert made.results["kind"] == "finetune"
    assert Run.open(made.path).config()["encoder"]["weights"] == f"mlflow:{run_id}"
    with pytest.raises(UserError, match=r"is done: there is nothing to go on with. --encoder mlflow:"):
        pretrain(run_recovery_id=run_id, quiet=True)
    with pytest.raises(UserError, match=r"is a pretraining. To start from its encoder write --pretraining_run_recovery_id"):
        finetune(run_recovery_id=run_id, quiet=True)


def test_another_machine_goes_on_exactly(here: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    given, place = recipe(here), str(data(here))
    whole = pretrain(given, out=here / "whole", quiet=True).path
    with monkeypatch.context() as patch:
        killed_after(2, patch)
        with pytest.raises(Killed):
            pretrain(given, out=here / "first", quiet=True, tracking="mlflow")
    run_id = tracked_id(here / "first")
    assert client(server).get_run(run_id).info.status == "FAILED"
    assert load_encoder(f"mlflow:{run_id}").card.dim, "an encoder can be had of a run that is not done"

    monkeypatch.setenv("VESALIUS_RUNS", str(here / "second machine"))
    with pytest.raises(UserError, match=r"is not tracked: give --data.train, --data.monitor as they are on this machine"):
        pretrain(run_recovery_id=run_id, quiet=True)
    other = {"train": place, "monitor": place}
    (here / "elsewhere").mkdir()
    changed = np.load(place)
    np.savez(here / "elsewhere" / "blobs.npz", **{k: v[:20] for k, v in changed.items()})
    wrong = str(here / "elsewhere" / "blobs.npz")
    with monkeypatch.context() as patch:
        patch.setenv("VESALIUS_RUNS", str(here / "third machine"))
        with pytest.raises(UserError, match=r"the data set train .* changed since\. .* file `key` in VESALIUS_CACHE"):
            pretrain(run_recovery_id=run_id, data={"train": wrong, "monitor": wrong}, quiet=True)
    second = pretrain(run_recovery_id=f"vesalius:{run_id}", data=other, quiet=True).path
    assert second.parent == here / "second machine"
    assert compare(whole, second) == []
    assert tracked_id(second) == run_id, "the same run there"
    store = client(server)
    assert store.get_run(run_id).info.status == "FINISHED"
    times = {"time", "images_per_second", "wait_share", "views_share", "seconds"}
    assert {k: v for k, v in history(store, second).items() if k[0] not in times} == {
        k: v for k, v in measured(second).items() if k[0] not in times
    }, "no point is there twice"
    assert all(len(values) == 1 for values in history(store, second).values())


def test_a_server_that_goes_away_in_the_middle_stops_nothing(
    here: Path, server: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = checkpoints.save

    def save(folder: Path, at: int, *rest: Any, **more: Any) -> Path:
        if at == 2:
            server.shut()
        return whole(folder, at, *rest, **more)

    monkeypatch.setattr(checkpoints, "save", save)
    (here / "recipe.yaml").write_text(json.dumps(recipe(here)))
    with pytest.raises(SystemExit) as ended:
        main(["pretrain", str(here / "recipe.yaml"), "--out", str(here / "run"), "--tracking", "mlflow"])
    assert not ended.value.code
    said = capfd.readouterr().err
    assert said.count("mlflow failed (") == 1
    assert "mlflow did not get everything" in said
    run = Run.open(here / "run")
    assert run.facts()["state"] == "done"
    assert run.facts()["tracked"]["mlflow"]["missing"]
    assert (run.path / "report.html").is_file()
    server.open()
    with pytest.raises(SystemExit) as ended:
        main(["runs", "track", str(here / "run")])
    assert not ended.value.code
    assert history(client(server), run.path) == measured(run.path)
    assert "missing" not in run.facts()["tracked"]["mlflow"]
    assert client(server).get_run(tracked_id(run.path)).info.status == "FINISHED"


def test_the_local_file_needs_no_server(here: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    (here / "runs").mkdir()
    shutil.copyfile(server.database, here / "runs" / "mlflow.db")  # its tables: making them takes seconds
    server.shut()
    made = pretrain(recipe(here), quiet=True, tracking={"mlflow": {"experiment": "here", "checkpoints": False}}).path
    run_id = tracked_id(made)
    store = mlflow_store.client(mlflow_store.local_uri())
    assert history(store, made) == measured(made)
    assert not [name for name in artifacts(store, run_id) if name.startswith("recovery/")]
    assert (here / "runs" / "mlflow-artifacts" / run_id / "artifacts" / "encoder" / "encoder.safetensors").is_file()
    assert WORD.encode() not in (here / "runs" / "mlflow.db").read_bytes()
    assert weights_hash(load_encoder(f"mlflow:{run_id}")) == weights_hash(load_encoder(made))


def test_a_job_with_a_run_of_its_own_is_joined(here: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    store = client(server)
    job = store.create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", job)
    first = pretrain(recipe(here), quiet=True, tracking="mlflow").path
    assert tracked_id(first) == job
    assert store.get_run(job).info.status == "RUNNING", "whoever started the job ends its run"
    assert store.get_run(job).data.tags["vesalius.state"] == "done"
    second = pretrain(recipe(here), quiet=True, tracking="mlflow").path
    assert tracked_id(second) != job
    assert store.get_run(tracked_id(second)).data.tags["mlflow.parentRunId"] == job


def test_a_classifier_goes_on_from_its_id(here: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"name": "resnet18", "width": 0.0625, "stem": "small", "size": 16, "freeze": False}
    given = {
        "data": {"train": str(data(here))}, "encoder": small, "steps": 6, "batch_size": 28, "threads": 1, "device": "cpu",
        "precision": "fp32", "validate_every": {"steps": 2}, "checkpoint_every": {"steps": 2}, "tracking": "mlflow",
    }  # fmt: skip
    with monkeypatch.context() as patch:
        killed_after(4, patch)
        with pytest.raises(Killed):
            finetune(given, out=here / "first", quiet=True)
    run_id = tracked_id(here / "first")
    monkeypatch.setenv("VESALIUS_RUNS", str(here / "second machine"))
    second = finetune({**given}, run_recovery_id=run_id, quiet=True)
    assert torch.isfinite(next(iter(second.classifier.parameters()))).all()
    monkeypatch.setenv("VESALIUS_RUNS", str(here / "runs"))
    first = finetune(resume=here / "first", quiet=True, tracking=[])
    assert compare(first.path, second.path) == []
    assert "encoder/classifier.safetensors" in artifacts(client(server), run_id)
    monkeypatch.setenv("VESALIUS_RUNS", str(here / "third machine"))
    with pytest.raises(UserError, match=r"starts from a pretraining, and .* was made by finetune"):
        finetune(given, pretraining_run_recovery_id=run_id, quiet=True)


def test_nothing_phones_home(tmp_path: Path) -> None:
    """In a process that is no test to MLflow's eyes: its telemetry has no client, and no connection is tried."""
    code = (
        "import socket, threading, time\n"
        "tried = []\n"
        "def connect(self, address): tried.append(address); raise OSError('refused')\n"
        "socket.socket.connect = connect\n"
        "from vesalius.runs import mlflow_store\n"
        "mlflow = mlflow_store.library()\n"
        "from mlflow.telemetry import get_telemetry_client\n"
        "from mlflow.telemetry.utils import is_telemetry_disabled\n"
        "time.sleep(0.5)\n"
        "print(get_telemetry_client(), is_telemetry_disabled(), tried)\n"
    )
    hidden = ("PYTEST", "CI", "GITHUB", "MLFLOW", "DO_NOT_TRACK")
    plain = {k: v for k, v in environment(tmp_path).items() if not k.startswith(hidden)}
    done = subprocess.run([sys.executable, "-c", code], env=plain, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "True", "[]"]


def refused(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What `pretrain` says before anything is done."""
    (folder / "recipe.yaml").write_text(json.dumps(recipe(folder)))
    with pytest.raises(SystemExit) as ended:
        main(["pretrain", str(folder / "recipe.yaml"), "--out", str(folder / "run"), *words])
    assert ended.value.code == 2
    assert not (folder / "run").exists()
    return capsys.readouterr().err


def test_a_password_in_an_address_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(tmp_path, capsys, "--tracking.mlflow.uri", "http://me:secret@127.0.0.1:9")
    assert "MLFLOW_TRACKING_PASSWORD" in said
    assert "secret" not in said


def test_what_is_not_installed_is_said_with_its_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = ["mlflow"]
    monkeypatch.setattr(mlflow_store, "find_spec", lambda name: name if name in installed else None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "azureml://somewhere/workspaces/ours")
    assert "pip install 'vesalius[azureml]'" in refused(tmp_path, capsys, "--tracking", "mlflow")
    installed.clear()
    assert "pip install 'vesalius[tracking]'" in refused(tmp_path, capsys, "--tracking", "mlflow")


def test_runs_of_several_seeds_are_children_of_the_one_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Store:
        def get_experiment_by_name(self, name: str) -> Any:
            return SimpleNamespace(experiment_id="7")

        def create_run(self, experiment: str, run_name: str, tags: dict[str, str]) -> Any:
            self.tags = tags
            return SimpleNamespace(info=SimpleNamespace(run_id="child"))

    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    above = Run.create("finetune", "seeds", {}, tmp_path / "above", tracked={"mlflow": {"run_id": "parent"}})
    child = mlflow.MLflow(mlflow.Config(), Run.create("finetune", "one", {}, above.path / "seed-1"), "sqlite:///none")
    child._store = Store()
    assert child._new(child.run.facts()) == "child"
    assert child._store.tags["mlflow.parentRunId"] == "parent"
