"""InnerEye 1 to 5, 9 to 12, 17 to 19, 21, 49: what the command line trains, on what, and under which names."""

from __future__ import annotations

import functools
import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.coverage.command_line import DEBUG, Done, pretrain, vesalius
from tests.data.server import serve
from tests.data.sources.native import archive, cifar
from vesalius.data.sources import cifar10, cifar100

REAL = ("--threads", "1", "--examine", "false")
"""The recipe's own network: resnet50."""


def _learnt(done: Done, part: str, dim: int) -> None:
    """A loss was computed and an encoder that a user can load was left."""
    steps = done.rows("train")
    assert steps
    assert all(math.isfinite(row["loss"]) and f"loss/{part}" in row for row in steps)
    import vesalius as package

    encoder = package.load_encoder(done.folder)
    assert encoder(torch.rand(2, 3, 32, 32)).pooled.shape == (2, dim)


def test_simclr_trains_an_encoder(photographs: Path, tmp_path: Path) -> None:
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", "--local_dataset", str(photographs / "ten"), *DEBUG, tiny=REAL)
    assert done.config["encoder"] == {"name": "resnet50", "stem": "small"}
    _learnt(done, "nt_xent", 2048)


def test_byol_trains_an_encoder(photographs: Path, tmp_path: Path) -> None:
    done = pretrain("CIFAR10BYOL", tmp_path / "run", "--local_dataset", str(photographs / "ten"), *DEBUG)
    _learnt(done, "byol", 64)
    assert done.config["method"]["momentum"] == 0.99


def test_a_users_own_network_and_configuration_run_under_the_same_command(photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "my_network.py").write_text(
        "from torch import nn\n\n\ndef build():\n    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())\n"
    )
    (tmp_path / "mine.yaml").write_text(
        f"data: {{train: cifar10, monitor: cifar10, root: {photographs / 'ten'}}}\n"
        "views: cifar-simclr\nmethod: {name: simclr, hidden: 16, dim: 8}\n"
        f"encoder: {{name: '{tmp_path / 'my_network.py'}:build'}}\nsteps: 2\nbatch_size: 4\n"
    )
    done = pretrain(str(tmp_path / "mine.yaml"), tmp_path / "run", tiny=REAL)
    assert len(done.rows("train")) == 2
    _learnt(done, "nt_xent", 8)


@pytest.mark.parametrize(("name", "module"), [("cifar10", cifar10), ("cifar100", cifar100)])
def test_cifar_is_downloaded_before_training(
    name: str, module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = cifar(tmp_path / "made", name, 6 if name == "cifar10" else 40)
    (tmp_path / "served").mkdir()
    packed = archive(folder, tmp_path / "served" / f"{name}.tar.gz")
    monkeypatch.setenv("VESALIUS_DATA", str(tmp_path / "data"))
    checksum = hashlib.md5(packed.read_bytes()).hexdigest()
    with serve(tmp_path / "served") as server:
        fetch = functools.partial(module.download, url=f"{server.url}{packed.name}", md5=checksum)
        monkeypatch.setattr(module, "download", fetch)
        words = ("--ssl_training_dataset_name", name.upper(), "--linear_head_dataset_name", name.upper())
        done = pretrain("CIFAR10SimCLR", tmp_path / "run", *words, *DEBUG)
        assert [file for file, _ in server.asked] == [packed.name]
    assert module.present(tmp_path / "data" / name)
    assert len(done.rows("train")) == 1


@pytest.fixture
def unlabelled(tmp_path: Path) -> Path:
    """A folder of pictures of which nothing is known."""
    rng = np.random.default_rng(3)
    (tmp_path / "pictures").mkdir()
    for i in range(12):
        Image.fromarray(rng.integers(0, 256, (40, 36, 3), dtype=np.uint8)).save(tmp_path / "pictures" / f"{i}.png")
    return tmp_path / "pictures"


def test_unlabelled_images_are_watched_by_another_data_sets_labels(
    photographs: Path, unlabelled: Path, tmp_path: Path
) -> None:
    words = ("--data.train", str(unlabelled), "--extra_local_dataset_paths", str(photographs / "ten"))
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", *words, *DEBUG)
    assert "12 images from" in done.said
    assert done.config["data"]["monitor"] == "cifar10"
    assert all("monitor/linear/accuracy" in row for row in done.rows("monitor"))


def test_the_linear_head_learns_while_the_encoder_does(photographs: Path, tmp_path: Path) -> None:
    words = ("--local_dataset", str(photographs / "ten"), "--validate_every.epochs", "1", *DEBUG, "--num_epochs", "3")
    seen = pretrain("CIFAR10SimCLR", tmp_path / "run", *words).rows("monitor")
    assert [row["step"] for row in seen] == [0, 1, 2, 3]
    losses = [row["monitor/linear/train_loss"] for row in seen[1:]]
    assert losses[2] < losses[0]
    blind = pretrain("CIFAR10SimCLR", tmp_path / "blind", *words, "--monitors", "[{name: spread}]")
    watched = (tmp_path / "run" / "encoder.safetensors").read_bytes()
    assert (blind.folder / "encoder.safetensors").read_bytes() == watched, "watching changed the encoder"


RECIPES = {
    "CIFAR10SimCLR": ("simclr", "cifar10", "cifar10"),
    "CIFAR10BYOL": ("byol", "cifar10", "cifar10"),
    "CIFAR10CIFAR100BYOL": ("byol", "cifar10", "cifar100"),
}


def _as_named(name: str, photographs: Path, out: Path) -> Done:
    """Run the original's configuration ``name``; its head's data lie where the second argument says."""
    method, train, monitor = RECIPES[name]
    words = ["--local_dataset", str(photographs / "ten"), *DEBUG]
    if monitor != train:
        words += ["--extra_local_dataset_paths", str(photographs / "hundred")]
    done = pretrain(name, out, *words)
    assert done.config["method"]["name"] == method
    assert (done.config["data"]["train"], done.config["data"]["monitor"]) == (train, monitor)
    assert done.config["seed"] == 1
    shown = vesalius("recipes", "show", name)
    assert shown.code == 0
    for value in (method, train, monitor, "resnet50"):
        assert value in shown.said
    return done


def test_cifar10simclr(photographs: Path, tmp_path: Path) -> None:
    _as_named("CIFAR10SimCLR", photographs, tmp_path / "run")


def test_cifar10byol(photographs: Path, tmp_path: Path) -> None:
    _as_named("CIFAR10BYOL", photographs, tmp_path / "run")


def test_cifar10cifar100byol(photographs: Path, tmp_path: Path) -> None:
    done = _as_named("CIFAR10CIFAR100BYOL", photographs, tmp_path / "run")
    assert done.config["data"]["monitor_root"] == str(photographs / "hundred")
    assert "watched on cifar100" in done.said


def test_a_configuration_is_chosen_by_its_name(photographs: Path, tmp_path: Path) -> None:
    by_alias = pretrain("CIFAR10BYOL", tmp_path / "a", "--local_dataset", str(photographs / "ten"), *DEBUG)
    by_name = pretrain("cifar10-byol", tmp_path / "b", "--local_dataset", str(photographs / "ten"), *DEBUG)
    assert by_alias.config == by_name.config
    wrong = vesalius("pretrain", "CIFAR10BYLO")
    assert wrong.code == 2
    assert "Did you mean CIFAR10BYOL" in wrong.said


def test_local_dataset_goes_before_any_other_place(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VESALIUS_DATA", str(tmp_path / "elsewhere"))
    cifar(tmp_path / "elsewhere" / "cifar10", "cifar10", 2, seed=9)
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", "--local_dataset", str(photographs / "ten"), *DEBUG)
    assert "26 images from cifar10" in done.said, "30 of the folder given, 4 of them to validate with"
    missing = vesalius("pretrain", "CIFAR10SimCLR", "--local_dataset", str(tmp_path / "nowhere"), *DEBUG)
    assert missing.code == 2
    assert "data_batch_1" in missing.said


def test_every_field_can_be_set_on_the_command_line(photographs: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "data.split.val": 0.2, "data.split.seed": 4, "data.channels": 3, "data.size": 36, "data.max_bad_share": 0.5,
        "data.drop_last": False, "data.limit": 20, "views": "simclr", "encoder.name": "resnet18", "encoder.width": 0.125,
        "method.temperature": 0.7, "method.hidden": 24, "method.dim": 12, "optimizer.name": "adamw", "optimizer.lr": 0.01,
        "optimizer.weight_decay": 0.1, "optimizer.betas": [0.8, 0.9], "optimizer.clip": 2.0, "optimizer.warmup.share": 0.2,
        "optimizer.schedule.name": "constant", "steps": 2, "batch_size": 5, "validate_every.steps": 2,
        "checkpoint_every.steps": 1, "monitors.knn.k": 3, "precision": "fp32", "device": "cpu", "layout": "contiguous",
        "seed": 7, "threads": 1, "examine": False, "name": "everything",
    }  # fmt: skip
    given["views"] = {"global": {"count": 2, "size": 24, "operations": ["random_resized_crop", "horizontal_flip"]}}
    words = [word for name, value in given.items() for word in (f"--{name}", str(value).replace("'", ""))]
    done = pretrain("CIFAR10SimCLR", tmp_path / "run", "--local-dataset", str(photographs / "ten"), *words, tiny=())
    config = done.config
    for name, value in given.items():
        place: Any = config
        for key in name.split("."):
            place = next(m for m in place if m["name"] == key) if isinstance(place, list) else place[key]
        assert place == value, name
    assert "epochs" not in config
    unknown = vesalius("pretrain", "CIFAR10SimCLR", "--method.temprature", "0.1")
    assert unknown.code == 2
    assert "temperature" in unknown.said


def test_cifar_has_bolts_views_and_no_file_of_augmentations(photographs: Path, tmp_path: Path) -> None:
    words = ("--local_dataset", str(photographs / "ten"), *DEBUG)
    assert pretrain("CIFAR10SimCLR", tmp_path / "ours", *words).config["views"] == "cifar-simclr"
    done = pretrain("CIFAR10SimCLR", tmp_path / "original", *words, "--compat", "innereye")
    assert done.config["views"] == "cifar-innereye"
    shown = vesalius("recipes", "show", "cifar-innereye").said
    for operation in ("random_resized_crop", "horizontal_flip", "colour_jitter", "greyscale", "gaussian_blur"):
        assert operation in shown
    assert "normalise" not in shown
