"""What the client says where it cannot do what is asked, and how it shows runs in other states."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vesalius.client import Client
from vesalius.encoders import build_encoder, load_encoder, save_encoder
from vesalius.errors import UserError
from vesalius.runs import Run


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))


def run(verb: str, state: str | None, dataset: str = "mine", *, encoder: str | None = None, stage: str = "") -> Run:
    made = Run.create(verb, "a", {})
    made.record(dataset=dataset, stage=stage)
    if encoder is not None:
        save_encoder(build_encoder(encoder, width=0.0625, size=(16, 16), stem="innereye"), made.path / encoder_place(verb))
    if state is not None:
        made.finish(state)
    return made


def encoder_place(verb: str) -> str:
    return "training" if verb == "select" else ""


def test_a_job_needs_images() -> None:
    with pytest.raises(UserError, match=r"Client\(dataset_id='name', data=FOLDER\)"):
        Client(dataset_id="name").schedule_compute_worker_run(selection_config={"n_samples": 1})


def test_a_typo_has_the_nearest_key(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="enable_training"):
        Client(dataset_id="a", data=tmp_path).schedule_compute_worker_run(worker_config={"enable_trainin": True}, selection_config={"n_samples": 1})


@pytest.mark.parametrize(
    ("state", "stage", "shown"),
    [("done", "", "COMPLETED"), ("failed", "embed", "FAILED"), ("preempted", "", "ABORTED"), (None, "train", "TRAINING"), (None, "", "STARTED")],
)
def test_states_have_the_workers_words(state: str | None, stage: str, shown: str) -> None:
    made = run("select", state, stage=stage)
    assert [found.state for found in Client(dataset_id="mine").get_compute_worker_runs()] == [shown]
    assert Client(dataset_id="mine").get_compute_worker_run(made.facts()["id"]).path.samefile(made.path)


def test_runs_of_other_verbs_and_data_sets_are_not_listed() -> None:
    run("embed", "done")
    run("select", "done", "yours")
    assert Client(dataset_id="mine").get_compute_worker_runs() == []
    with pytest.raises(UserError, match="There is no run 'nope'"):
        Client(dataset_id="mine").get_compute_worker_run("nope")


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("select", "it selected with an encoder that it did not train"),
        ("pretrain", "it is done and wrote no encoder"),
        ("embed", "it is a run of `vesalius embed`"),
    ],
)
def test_a_run_without_a_checkpoint_says_so(verb: str, said: str, tmp_path: Path) -> None:
    client = Client(dataset_id="mine")
    made = client.get_compute_worker_run(run(verb, "done").facts()["id"])
    with pytest.raises(UserError, match=f"has no checkpoint: {said}"):
        client.get_compute_worker_run_checkpoint_url(made)
    with pytest.raises(UserError, match="has no checkpoint"):
        client.download_compute_worker_run_checkpoint(made, tmp_path / "c.ckpt")


@pytest.mark.parametrize("verb", ["select", "pretrain"])
def test_any_network_is_one_file(verb: str, tmp_path: Path) -> None:
    """Also where the stem, which no tensor tells, is not the usual one."""
    client = Client(dataset_id="mine")
    made = client.get_compute_worker_run(run(verb, "done", encoder="resnet18").facts()["id"])
    assert client.get_compute_worker_run_checkpoint_url(made).endswith("encoder.safetensors")
    client.download_compute_worker_run_checkpoint(made, tmp_path / "new" / "c.ckpt")
    ours, again = load_encoder(made.path), load_encoder(tmp_path / "new" / "c.ckpt")
    assert again.card == ours.card
    x = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(again(x).pooled, ours(x).pooled, rtol=0, atol=0)
