"""Lightly 8, 9, 12 to 17: checkpoints found again, of a run, of a file, of an address; trained elsewhere; fetched; a plain network; a classifier."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.coverage.command_line import Done, vesalius
from tests.coverage.lightly_jobs import SMALL, at_home, job
from tests.data.server import serve
from tests.encoders.exporting.test_lightly import load_checkpoint
from tests.encoders.layouts.test_worker import model
from tests.recipes.tiny import blobs, images


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    images(folder / "images", 16)
    images(folder / "others", 12, seed=1)
    with at_home(folder):  # for the fixtures of the module; every test has a folder of runs of its own otherwise
        yield folder


@pytest.fixture(autouse=True)
def _there(home: Path) -> Iterator[None]:
    with at_home(home):
        yield


@pytest.fixture(scope="module")
def trained(home: Path) -> Done:
    """A selection on the data set ``first`` that trained the document's network."""
    done = job(home / "train.yaml", home / "images", "--dataset", "first", worker={"enable_training": True}, lightly=SMALL)
    assert done.code == 0, done.said
    return done


@pytest.fixture(scope="module")
def outside(home: Path) -> Path:
    """The document's model, saved as it says."""
    torch.save({"state_dict": model(num_ftrs=7, out_dim=9).state_dict(prefix="model.")}, home / "checkpoint.ckpt")
    return home / "checkpoint.ckpt"


def weights(done: Done) -> str:
    """What made a selection's vectors."""
    return str(json.loads((done.folder / "stages.json").read_text())["embed"]["key"])


def test_the_newest_of_the_data_set_is_used_by_itself(home: Path, trained: Done) -> None:
    done = job(home / "again.yaml", home / "images", "--dataset", "first")
    assert done.code == 0, done.said
    assert f"newest checkpoint of this data set, of the run {trained.facts['id']}" in done.said
    np.testing.assert_array_equal(np.load(done.folder / "vectors.npy"), np.load(trained.folder / "vectors.npy"))
    other = job(home / "other.yaml", home / "images", "--dataset", "second")
    assert other.code == 2
    assert "the data set second" in other.said
    assert "timm:resnet18" in other.said
    assert "checkpoint_run_id" in other.said
    assert vesalius("runs", "latest", "--dataset", "first", "--with-checkpoint").said.strip() == str(trained.folder.resolve())
    assert vesalius("runs", "latest", "--dataset", "first").said.strip() == str(done.folder.resolve())
    assert vesalius("runs", "latest", "--dataset", "second", "--with-checkpoint").code == 2


def test_a_folder_is_a_data_set_without_a_name(home: Path) -> None:
    pre = vesalius(
        "pretrain", "cifar10-simclr", "--data.train", str(home / "others"), "--encoder.name", "resnet18", "--encoder.width", "0.0625", "--epochs", "1",
        "--data.monitor", "null", "--batch_size", "6", "--threads", "1", "--examine", "false", "--views", "cifar-simclr", out=home / "runs" / "pre",
    )  # fmt: skip
    assert pre.code == 0, pre.said
    done = job(home / "folder.yaml", home / "others")
    assert done.code == 0, done.said
    assert pre.facts["id"] in done.said
    assert done.facts["dataset"] == pre.facts["dataset"] != str(home / "others")


def test_a_checkpoint_by_run_id(home: Path, trained: Done) -> None:
    done = job(home / "id.yaml", home / "others", "--dataset", "third", worker={"checkpoint_run_id": trained.facts["id"]})
    assert done.code == 0, done.said
    without = job(home / "id2.yaml", home / "others", worker={"checkpoint_run_id": done.facts["id"]})
    assert without.code == 2
    assert f"The run {done.facts['id']} has no checkpoint: it selected with an encoder that it did not train" in without.said
    both = job(home / "both.yaml", home / "others", worker={"checkpoint_run_id": trained.facts["id"], "checkpoint": "checkpoint.ckpt"})
    assert both.code == 2
    assert "checkpoint_run_id" in both.said


def test_a_checkpoint_trained_elsewhere(home: Path, outside: Path) -> None:
    with serve(home) as served:
        keys = [
            weights(job(home / f"{number}.yaml", home / "images", worker={"checkpoint": place}))
            for number, place in enumerate((str(outside), outside.as_uri(), f"{served.url}checkpoint.ckpt?signature=abc"))
        ]
    assert len(set(keys)) == 1
    broken = torch.load(outside)["state_dict"]
    del broken["model.backbone.7.bias"]
    torch.save({"state_dict": broken}, home / "broken.ckpt")
    done = job(home / "broken.yaml", home / "images", worker={"checkpoint": str(home / "broken.ckpt")})
    assert done.code == 2
    assert "Missing: last.bias" in done.said


@pytest.mark.parametrize(("layer", "length"), [("features", 64), ("embedding", 7)])
def test_both_vectors_of_an_external_model(layer: str, length: int, home: Path, outside: Path) -> None:
    done = vesalius("embed", "--encoder", str(outside), "--data", str(home / "images"), "--layer", layer, "--out", str(home / f"{layer}.npy"))
    assert done.code == 0, done.said
    vectors = np.load(home / f"{layer}.npy")
    assert vectors.shape == (16, length)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5) is (layer == "embedding")


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"name": "resnet-18", "out_dim": 9, "num_ftrs": 7, "width": 0.125}, ""),
        ({"name": "resnet-34"}, "states name resnet-34, and checkpoint.ckpt holds name resnet-18"),
        ({"width": 1}, "states width 1, and checkpoint.ckpt holds width 0.125"),
        ({"num_ftrs": 32, "out_dim": 128}, "states out_dim 128, num_ftrs 32, and checkpoint.ckpt holds out_dim 9, num_ftrs 7"),
    ],
)
def test_what_is_stated_of_a_model_is_checked(stated: dict[str, Any], said: str, home: Path, outside: Path) -> None:
    worker = {"checkpoint": str(outside), "enable_training": False}
    done = job(home / "stated.yaml", home / "images", worker=worker, lightly={"model": stated})
    assert done.code == (2 if said else 0), done.said
    assert said in done.said


@pytest.fixture(scope="module")
def fetched(home: Path, trained: Done) -> Path:
    file = home / "artifacts" / "checkpoint.ckpt"
    assert vesalius("runs", "checkpoint", "latest", "--dataset", "first", "--out", str(file)).code == 0
    return file


def test_the_checkpoint_is_fetched_as_a_file(trained: Done, fetched: Path, home: Path) -> None:
    assert fetched.read_bytes() == (trained.folder / "training" / "checkpoint.ckpt").read_bytes()
    assert vesalius("runs", "checkpoint", str(trained.folder)).said.strip().endswith("training/checkpoint.ckpt")
    assert len(torch.load(fetched)["state_dict"]) == 139
    refused = vesalius("runs", "checkpoint", str(trained.folder), "--out", str(home))
    assert refused.code == 2
    assert "is a folder" in refused.said


def test_the_checkpoint_is_a_plain_network(fetched: Path) -> None:
    from vesalius import load_encoder

    encoder, theirs = load_encoder(fetched), load_checkpoint(fetched, "resnet-18", 0.125).eval()
    x = torch.rand(3, 3, 24, 24)
    with torch.no_grad():
        torch.testing.assert_close(encoder(x).pooled, theirs(x), rtol=1e-5, atol=1e-5)
    assert isinstance(encoder, torch.nn.Module)


def test_a_classifier_on_top(fetched: Path, home: Path, tmp_path: Path) -> None:
    data = blobs(tmp_path)
    done = vesalius(
        "finetune", "classifier", "--encoder", str(fetched), "--data.train", str(data), "--threads", "1", out=tmp_path / "classifier"
    )  # fmt: skip
    assert done.code == 0, done.said
    assert (tmp_path / "classifier" / "classifier.json").is_file()
