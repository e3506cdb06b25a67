"""What a training of a selection is: the Worker's own numbers under compat, today's without, the user's over both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vesalius.data.dataset import resolve
from vesalius.encoders import load_encoder
from vesalius.errors import UserError
from vesalius.recipes.loading import load_pretrain
from vesalius.select.config import SelectConfig, configured
from vesalius.select.training import faults, lightly_block, looked_at, recipe, train, warnings
from vesalius.terminal import Terminal


def job(**given: Any) -> SelectConfig:
    return configured(None, **{"data": "images", "n": 5, "training": True, **given})[0]


def test_the_workers_own_numbers() -> None:
    config = job(compat="lightly-worker")
    resolved, _ = load_pretrain(recipe(config, 1000, 1, 300))
    views = resolved.views["global"]  # type: ignore[index,call-overload]
    assert (views["count"], views["size"]) == (2, 64)
    assert views["operations"] == [
        {"random_resized_crop": {"scale": [0.15, 1.0]}},
        {"horizontal_flip": {"p": 0.5}},
        {"colour_jitter": {"brightness": 0.7, "contrast": 0.7, "saturation": 0.7, "hue": 0.2, "p": 0.8}},
        {"greyscale": {"p": 0.2}},
        {"gaussian_blur": {"sigma": [0.2, 2.0], "p": 0.5}},
    ]
    assert (resolved.encoder.name, resolved.encoder.fields) == ("lightly-resnet18", {"num_ftrs": 32, "width": 1.0})
    assert resolved.method.name == "simclr"
    assert resolved.method.fields == {"temperature": 0.5, "hidden": 32, "dim": 128, "hidden_bias": False, "last_norm": True}
    rate = resolved.optimizer
    assert (rate.name, rate.lr, rate.weight_decay, rate.momentum, rate.decay_by) == ("sgd", 1.0, 1e-5, 0.0, "all")
    assert (rate.schedule.name, rate.warmup.steps) == ("constant", 0)
    assert (resolved.epochs, resolved.batch_size, resolved.precision, resolved.seed, resolved.data.channels) == (100, 16, "fp32", 1, 3)
    assert resolved.data.drop_last
    assert config.layer == "embedding"
    assert lightly_block(config) == {"model": {"name": "resnet-18", "width": 1.0, "num_ftrs": 32, "out_dim": 128}}
    assert len(faults(config)) == 2


def test_todays_numbers() -> None:
    resolved, _ = load_pretrain(recipe(job(), 4000, 3, 500))
    assert (resolved.batch_size, resolved.method.fields["temperature"], resolved.epochs) == (256, 0.1, 100)
    assert (resolved.optimizer.lr, resolved.optimizer.momentum, resolved.optimizer.schedule.name) == ("auto", 0.9, "cosine")
    assert resolved.views["global"]["size"] == 128  # type: ignore[index,call-overload]
    assert resolved.encoder.fields["stem"] == "standard"
    assert recipe(job(), 4000, 3, 28)["encoder"]["stem"] == "small"
    assert recipe(job(), 4000, 3, 64)["encoder"]["stem"] == "innereye"
    assert recipe(job(), 200, 3, 28)["batch_size"] == 50
    assert recipe(job(), 10, 3, 28)["batch_size"] == 10
    assert faults(job()) == []
    assert lightly_block(job()) == {}


def test_grey_images_have_no_colour_to_change() -> None:
    names = [next(iter(operation)) for operation in recipe(job(), 100, 1, 28)["views"]["global"]["operations"]]
    assert "greyscale" not in names
    jitter = next(operation["colour_jitter"] for operation in recipe(job(), 100, 1, 28)["views"]["global"]["operations"] if "colour_jitter" in operation)
    assert "hue" not in jitter


@pytest.mark.parametrize("compat", ["none", "lightly-worker"])
def test_what_is_said_lies_over_either(compat: str) -> None:
    lightly = {
        "model": {"name": "resnet-34", "num_ftrs": 64, "out_dim": 100}, "loader": {"batch_size": 32, "drop_last": False}, "seed": 9,
        "trainer": {"max_epochs": 3, "precision": 16}, "criterion": {"temperature": 0.2}, "optimizer": {"lr": 0.5, "weight_decay": 0.01},
        "collate": {"input_size": 48, "cj_prob": 0, "random_gray_scale": 0.3, "gaussian_blur": 0.1, "sigmas": [0.3, 1], "kernel_size": 0.2,
                    "min_scale": 0.4, "vf_prob": 0.2, "hf_prob": 0, "rr_prob": 0.6, "rr_degrees": [-20, 20]},
    }  # fmt: skip
    config, _ = configured({"worker_config": {"enable_training": True}, "lightly_config": lightly}, data="images", n=5, compat=compat)
    resolved, _ = load_pretrain(recipe(config, 1000, 3, 100))
    assert resolved.views == {
        "global": {
            "count": 2,
            "size": 48,
            "operations": [
                {"random_resized_crop": {"scale": [0.4, 1.0]}},
                {"affine": {"degrees": 20.0, "p": 0.6}},
                {"vertical_flip": {"p": 0.2}},
                {"greyscale": {"p": 0.3}},
                {"gaussian_blur": {"sigma": [0.3, 1.0], "p": 0.1, "kernel": 0.2}},
            ],
        }
    }
    assert (resolved.encoder.name, resolved.encoder.fields["num_ftrs"], resolved.method.fields["dim"]) == ("lightly-resnet34", 64, 100)
    assert (resolved.batch_size, resolved.epochs, resolved.precision, resolved.seed, resolved.data.drop_last) == (32, 3, "bf16", 9, False)
    assert (resolved.optimizer.lr, resolved.optimizer.weight_decay, resolved.method.fields["temperature"]) == (0.5, 0.01, 0.2)


def test_any_field_of_a_recipe_lies_over_all() -> None:
    changed = recipe(job(training={"recipe": {"optimizer": {"name": "lars"}, "checkpoint_every": {"epochs": 9}}}), 100, 3, 28)
    assert changed["optimizer"] == {"name": "lars"}
    assert changed["checkpoint_every"] == {"epochs": 9}
    with pytest.raises(UserError, match="a selection trains simclr"):
        job(training={"method": "mae"})


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 small images in colour."""
    folder, noise = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for number in range(24):
        Image.fromarray(noise.integers(0, 255, (20, 24, 3), np.uint8)).save(folder / f"{number}.png")
    return folder


def test_images_are_looked_at(images: Path) -> None:
    assert looked_at(resolve(str(images))) == (3, 20)


def test_a_training_is_done_once_and_of_the_rows_that_were_chosen(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changes = {"training.epochs": 1, "model.width": 0.0625, "training.recipe": {"examine": False, "threads": 1}}
    config = job(data=str(images), compat="lightly-worker", **changes)
    table, folder = resolve(str(images)).subset(np.arange(20)), tmp_path / "training"
    assert train(config, table, folder, Terminal()) == folder
    said = capsys.readouterr().err
    assert "--training.recipe." in said  # the fields of a recipe by the names they have in a job
    assert " --data.monitor" not in said
    encoder = load_encoder(folder)
    assert encoder.card.architecture == "lightly-resnet18"
    seen = json.loads((folder / "results.json").read_text())["warnings"]
    assert warnings(config, folder) == [*faults(config), *(f"The training: {sentence}" for sentence in seen)]
    written = (folder / "encoder.safetensors").stat().st_mtime_ns
    assert train(config, table, folder, Terminal(quiet=True)) == folder
    assert (folder / "encoder.safetensors").stat().st_mtime_ns == written
    (folder / "run.json").write_text((folder / "run.json").read_text().replace('"done"', '"failed"'))
    with pytest.raises(UserError, match="data"):
        train(config, table.subset(np.arange(10)), folder, Terminal(quiet=True))


def test_a_recipe_is_checked_before_anything_is_computed() -> None:
    with pytest.raises(UserError, match=r"no field 'optimizer.nme' in the recipe. Did you mean optimizer.name"):
        job(training={"recipe": {"optimizer": {"nme": "lars"}}})
    with pytest.raises(UserError, match="temperature"):
        job(training={"method": "byol", "temperature": 0.1})
