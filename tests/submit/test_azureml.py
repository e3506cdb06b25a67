"""A line as a command job of Azure ML: its YAML, which data are mounted, what is uploaded, and Azure's own check of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from tests.submit.commands import vesalius
from vesalius.errors import UserError
from vesalius.submit import azureml
from vesalius.submit.data_assets import asset

WHERE = ("--compute", "gpus", "--environment", "vesalius-gpu@3")
NIH, RSNA = "nih-training-set", "rsna_pneumonia_detection_kaggle_dataset"
LINE = ("pretrain", "NIH_RSNA_SimCLR")
"""Learns from NIH and watches on RSNA."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    for variable in ("RSNA_AZURE_DATASET_ID", "NIH_AZURE_DATASET_ID"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def dry(*words: str, where: tuple[str, ...] = WHERE, line: tuple[str, ...] = LINE) -> tuple[dict[str, Any], str]:
    """The job that a dry run prints, and what was said."""
    code, out, said = vesalius("submit", "azureml", *where, *words, "--dry-run", "--", *line)
    assert code == 0, said
    return yaml.safe_load(out), said


def test_the_job(here: Path) -> None:
    more = ["--nodes", "2", "--gpus", "4", "--experiment", "chest", "--tag", "trial=1", "--time", "3.5h", "--shm-size", "16g"]
    job, said = dry(*more)
    assert job["type"] == "command"
    assert job["environment"] == "azureml:vesalius-gpu:3"
    assert job["compute"] == "azureml:gpus"
    assert job["resources"] == {"instance_count": 2, "shm_size": "16g"}
    assert job["distribution"] == {"type": "pytorch", "process_count_per_instance": 4}
    assert job["limits"] == {"timeout": 12600}
    assert job["experiment_name"] == "chest"
    assert job["tags"]["trial"] == "1"
    assert job["outputs"] == {"run": {"type": "uri_folder", "mode": "rw_mount"}}
    assert job["command"].startswith("python -m vesalius.submit.attempt ${{outputs.run}} -- pretrain NIH_RSNA_SimCLR --data.root")
    assert "--tracking mlflow" in job["command"]
    assert "code" not in job
    assert "Nothing is uploaded" in said


def test_the_originals_arguments_are_options(here: Path) -> None:
    words = ["--cluster", "gpus", "--environment", "e@1", "--num_nodes", "2", "--experiment_name", "chest", "--tag", "trial"]
    words += ["--max_run_duration", "3.5h", "--wait_for_completion=True", "--use_dataset_mount=True", "--docker_shm_size", "440g"]
    job, _ = dry(*words, where=())
    assert job["compute"] == "azureml:gpus"
    assert job["resources"] == {"instance_count": 2, "shm_size": "440g"}
    assert (job["experiment_name"], job["limits"]["timeout"], job["tags"]["tag"]) == ("chest", 12600, "trial")
    assert {data["mode"] for data in job["inputs"].values()} == {"ro_mount"}
    assert {data["mode"] for data in dry("--use_dataset_mount=False")[0]["inputs"].values()} == {"download"}


# ---- data assets by id


def paths(job: dict[str, Any]) -> dict[str, str]:
    return {name: data["path"] for name, data in job["inputs"].items()}


def test_the_originals_data_sets_are_the_default(here: Path) -> None:
    job, _ = dry()
    assert paths(job) == {"train": f"azureml:{NIH}@latest", "monitor": f"azureml:{RSNA}@latest"}
    assert "--data.root ${{inputs.train}} --data.monitor_root ${{inputs.monitor}}" in job["command"]


def test_the_originals_classifier(here: Path) -> None:
    """Its encoder is that of another job of the workspace, which is looked for there and not here."""
    job, _ = dry(line=("finetune", "CXRImageClassifier", "--pretraining_run_recovery_id", "brave_lemon"))
    assert paths(job) == {"train": f"azureml:{RSNA}@latest"}
    assert "--pretraining_run_recovery_id brave_lemon --data.root ${{inputs.train}}" in job["command"]


def test_ids_from_the_environment_and_by_name(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSNA_AZURE_DATASET_ID", "our-rsna")
    monkeypatch.setenv("NIH_AZURE_DATASET_ID", "our-nih:2")
    assert paths(dry()[0]) == {"train": "azureml:our-nih:2", "monitor": "azureml:our-rsna@latest"}
    assert paths(dry("--dataset", "rsna=r:1", "--dataset", "nih=n@gold")[0]) == {"train": "azureml:n@gold", "monitor": "azureml:r:1"}


@pytest.mark.parametrize("behind", [True, False], ids=["in the line", "before it"])
def test_azure_dataset_id_and_extra_azure_dataset_ids(behind: bool, here: Path) -> None:
    words = ("--azure_dataset_id", "mine", "--extra_azure_dataset_ids=theirs:7")
    job, _ = dry(line=(*LINE, *words)) if behind else dry(*words)
    assert paths(job) == {"train": "azureml:mine@latest", "monitor": "azureml:theirs:7"}
    assert "azure_dataset_id" not in job["command"]


def test_a_local_folder_goes_before_an_asset(here: Path) -> None:
    job, said = dry("--azure-dataset-id", "mine", line=(*LINE, "--local_dataset", "/data/nih"))
    assert paths(job) == {"monitor": f"azureml:{RSNA}@latest"}
    assert "--local_dataset /data/nih" in job["command"]
    assert "data.root /data/nih is given and goes first; the data asset mine is not mounted" in " ".join(said.split())


def test_an_input_of_ones_own(here: Path) -> None:
    line = ("finetune", "classifier", "--data.train", "${{inputs.train}}/table.csv", "--data.labels", "ill", "--encoder", "${{inputs.encoder}}")
    job, _ = dry("--azure-dataset-id", "mine", "--dataset", "encoder=weights:2", line=line)
    assert paths(job) == {"train": "azureml:mine@latest", "encoder": "azureml:weights:2"}
    assert "--data.train ${{inputs.train}}/table.csv" in job["command"]


def test_a_class_of_ones_own_reads_the_asset(here: Path) -> None:
    (here / "my_data.py").write_text("class MySet:\n    pass\n")
    line = ("pretrain", "cifar10-simclr", "--data.train", "my_data.py:MySet", "--data.monitor", "null")
    job, said = dry("--azure-dataset-id", "mine", line=line)
    assert paths(job) == {"train": "azureml:mine@latest"}
    assert job["command"].endswith("--data.root ${{inputs.train}} --tracking mlflow")
    assert "Uploaded with the job: my_data.py;" in said


def test_what_needs_no_folder_mounts_none(here: Path) -> None:
    assert "inputs" not in dry(line=("pretrain", "cifar10-simclr"))[0]


def test_what_a_verb_that_trains_nothing_makes_is_the_output(here: Path) -> None:
    job, _ = dry(line=("embed", "--encoder", "resnet18", "--data", "${{inputs.images}}"), where=(*WHERE, "--dataset", "images=mine"))
    assert job["command"] == "vesalius embed --encoder resnet18 --data ${{inputs.images}} --out ${{outputs.run}}/embeddings.parquet"
    assert paths(job) == {"images": "azureml:mine@latest"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", "azureml:a@latest"), ("a:1", "azureml:a:1"), ("azureml:a:1", "azureml:a:1"), ("azureml://datastores/d/paths/p", "azureml://datastores/d/paths/p")],
)
def test_an_assets_name(text: str, expected: str) -> None:
    assert asset(text) == expected


def test_a_folder_is_no_asset() -> None:
    with pytest.raises(UserError, match="no data asset"):
        asset("./nih")


# ---- what is uploaded, and what is refused


def test_only_python_and_yaml_that_the_line_names_are_uploaded(here: Path) -> None:
    (here / "more").mkdir()
    (here / "net.py").write_text("def build():\n    raise AssertionError\n")
    (here / "base.yaml").write_text("extends: cifar10-simclr\nepochs: 3\n")
    (here / "mine.yaml").write_text("extends: base.yaml\nencoder: {name: net.py:build}\n")
    (here / "secret.csv").write_text("name\n")
    (here / "other.py").write_text("")
    job, said = dry(line=("pretrain", "mine.yaml"))
    assert job["code"] == "."
    assert "Uploaded with the job: base.yaml, mine.yaml, net.py; no data, encoders or runs." in " ".join(said.split())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--", *LINE), "--compute"),
        (("--compute", "c", "--", *LINE), "--environment NAME@VERSION"),
        (("--compute", "c", "--image", "i", "--environment", "e", "--", *LINE), "Name one of"),
        ((*WHERE, "--", "pretrain", "cifar10-simclr", "--out", "x"), "leave --out out"),
        ((*WHERE, "--", "pretrain", "cifar10-simclr", "--data.train", "nih-chestxray14", "--data.monitor", "null", "--epoch", "1"), "'epoch'"),
        ((*WHERE, "--dataset", "rsna", "--", *LINE), "NAME=ASSET"),
        ((*WHERE, "--extra-azure-dataset-ids", "a,b", "--", *LINE), "names 2 data assets"),
        ((*WHERE, "--", "finetune", "classifier", "--data.train", "cifar10", "--encoder", "net.pt"), "on this machine"),
        ((*WHERE, "--", "finetune", "classifier", "--data.train", "cifar10", "--encoder", "${{inputs.encoder}}"), "--dataset encoder=ASSET"),
        ((*WHERE, "--gpus", "2", "--", "embed", "--encoder", "resnet18", "--data", "demo"), "one process"),
    ],
)
def test_what_is_refused_before_anything_is_sent(words: tuple[str, ...], expected: str, here: Path) -> None:
    (here / "net.pt").write_bytes(b"")
    code, out, err = vesalius("submit", "azureml", *words)
    assert (code, out) == (2, "")
    assert expected in err
    assert err.count("\n") == 1, err


def test_a_run_here_does_not_swallow_where_it_should_run(here: Path) -> None:
    for words in (("--azureml",), ("--azureml=True", "--cluster", "c"), ("--num_nodes", "2")):
        code, _, err = vesalius("pretrain", "cifar10-simclr", *words)
        assert code == 2
        assert "vesalius submit azureml" in err


# ---- Azure's own opinion


def test_azures_own_schema_accepts_the_job(here: Path) -> None:
    ml = pytest.importorskip("azure.ai.ml", reason="needs the extra azureml")
    for where in (WHERE, ("--compute", "gpus", "--image", "docker.io/pytorch/pytorch:latest", "--nodes", "2", "--gpus", "4", "--time", "2d")):
        job, _ = dry(where=where)
        (here / "job.yaml").write_text(yaml.safe_dump(job))
        loaded = ml.load_job(here / "job.yaml")
        found = loaded._validate()
        assert found.passed, found.error_messages
        assert loaded.command == job["command"]
        assert set(loaded.inputs) == {"train", "monitor"}


def test_what_is_sent_is_what_the_dry_run_prints(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "mine.yaml").write_text("extends: cifar10-simclr\n")
    sent: dict[str, Any] = {}

    def send(file: Path, workspace: Path | None) -> tuple[Any, Any]:
        sent.update(yaml.safe_load(file.read_text()), files=[p.name for p in (file.parent / "code").iterdir()], workspace=workspace)
        return SimpleNamespace(name="brave_lemon", studio_url="https://ml.azure.com/runs/brave_lemon"), SimpleNamespace()

    monkeypatch.setattr(azureml, "_send", send)
    line = ("pretrain", "mine.yaml", "--data.train", "nih-chestxray14", "--data.monitor", "null")
    code, out, err = vesalius("submit", "azureml", *WHERE, "--workspace", "config.json", "--", *line)
    assert (code, out) == (0, "brave_lemon\n"), err
    printed, _ = dry(line=line)
    assert sent.pop("files") == ["mine.yaml"]
    assert sent.pop("workspace") == Path("config.json")
    assert sent | {"code": "."} == printed
    assert "brave_lemon" in err


def test_without_a_workspace_one_paragraph_says_so(here: Path) -> None:
    pytest.importorskip("azure.ai.ml", reason="needs the extra azureml")
    code, out, err = vesalius("submit", "azureml", *WHERE, "--", *LINE)
    assert (code, out) == (2, "")
    assert "Azure ML did not take the job" in err.splitlines()[-1]
