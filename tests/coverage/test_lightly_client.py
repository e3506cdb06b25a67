"""Lightly 10, 11, 15: the document's six calls, on a data set with a name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.request import url2pathname

import pytest
import torch

from tests.coverage.lightly_jobs import DIVERSE, SMALL, at_home
from tests.recipes.tiny import images
from vesalius import Client, load_encoder

PLAIN = {**SMALL, "model": {"name": "resnet-9", "width": 0.125}}
"""A training that does not say how long the embedding is."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    images(folder / "images", 16)
    return folder


@pytest.fixture(autouse=True)
def _there(home: Path) -> Iterator[None]:
    with at_home(home):
        yield


@pytest.fixture(scope="module")
def client(home: Path) -> Client:
    return Client(token="MY_LIGHTLY_TOKEN", dataset_id="MY_DATASET_ID", data=home / "images", quiet=True)


@pytest.fixture(scope="module")
def scheduled(client: Client, home: Path) -> list[str]:
    """A job that trains, and one that uses its checkpoint."""
    with at_home(home):
        first = client.schedule_compute_worker_run(worker_config={"enable_training": True}, selection_config=DIVERSE, lightly_config=PLAIN)
        return [first, client.schedule_compute_worker_run(worker_config={"checkpoint_run_id": first}, selection_config=DIVERSE)]


def test_runs_are_listed_oldest_first_and_fetched(client: Client, scheduled: list[str], home: Path) -> None:
    assert [run.id for run in client.get_compute_worker_runs()] == scheduled
    assert [run.id for run in client.get_compute_worker_runs(dataset_id="MY_DATASET_ID")] == scheduled
    assert Client(dataset_id="OTHER", data=home / "images").get_compute_worker_runs() == []
    run = client.get_compute_worker_run(run_id=scheduled[0])
    assert run == client.get_compute_worker_run_from_scheduled_run(scheduled_run_id=scheduled[0])
    assert (run.state, run.dataset_id) == ("COMPLETED", "MY_DATASET_ID")
    assert {"CHECKPOINT", "SELECTION", "CONFIG"} <= {artifact.type for artifact in run.artifacts}
    assert all((run.path / artifact.file_name).is_file() for artifact in run.artifacts)


def test_where_a_checkpoint_is(client: Client, scheduled: list[str]) -> None:
    url = client.get_compute_worker_run_checkpoint_url(run=client.get_compute_worker_run(run_id=scheduled[0]))
    assert url.startswith("file:///")
    file = Path(url2pathname(url.removeprefix("file://")))
    assert file.is_file()
    again = client.schedule_compute_worker_run(worker_config={"checkpoint": url}, selection_config=DIVERSE)
    assert client.get_compute_worker_runs()[-1].id == again


def test_a_checkpoint_is_fetched(client: Client, scheduled: list[str], tmp_path: Path) -> None:
    run = client.get_compute_worker_run(run_id=scheduled[0])
    client.download_compute_worker_run_checkpoint(run=run, output_path=str(tmp_path / "artifacts" / "checkpoint.ckpt"))
    tensors = torch.load(tmp_path / "artifacts" / "checkpoint.ckpt")["state_dict"]
    # left to itself the Worker's embedding: 32 numbers, so that the document's loader reads what was trained
    assert tensors["model.backbone.7.weight"].shape == (32, 64, 1, 1)
    assert tensors["model.projection_head.layers.3.weight"].shape == (128, 32)
    assert load_encoder(tmp_path / "artifacts" / "checkpoint.ckpt").card.architecture == "lightly-resnet9"
