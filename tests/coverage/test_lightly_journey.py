"""Lightly 1 to 6: train on one's own images, embed them all, select the most diverse, by the document's three dictionaries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from tests.coverage.command_line import Done, vesalius

COUNT = 24
DIVERSE = {"n_samples": 5, "strategies": [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}]}
SMALL = ("--model.width", "0.0625", "--threads", "1")
EVERY: dict[str, Any] = {
    "model": {"name": "resnet-34", "out_dim": 20, "num_ftrs": 12},
    "loader": {"batch_size": 10, "shuffle": True, "num_workers": 4, "drop_last": False},
    "trainer": {"gpus": 1, "max_epochs": 1, "precision": 32},
    "criterion": {"temperature": 0.3},
    "optimizer": {"lr": 0.25, "weight_decay": 0.001},
    "collate": {
        "input_size": 16, "cj_prob": 0.6, "cj_bright": 0.1, "cj_contrast": 0.2, "cj_sat": 0.3, "cj_hue": 0.05, "min_scale": 0.5, "random_gray_scale": 0.1,
        "gaussian_blur": 0.4, "kernel_size": 0.2, "sigmas": [0.3, 0.9], "vf_prob": 0.15, "hf_prob": 0.25, "rr_prob": 0.35, "rr_degrees": 30.0,
    },
    "checkpoint_callback": {"save_last": True},
    "seed": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small images in colour."""
    folder, noise = tmp_path_factory.mktemp("mine"), np.random.default_rng(2)
    for number in range(COUNT):
        pixels = noise.normal(noise.integers(40, 220, 3), 25, (16, 18, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"photo{number:02}.png")
    return folder


def select(images: Path, out: Path, worker: dict[str, Any], lightly: dict[str, Any], *words: str) -> Done:
    """``vesalius select config.yaml --data IMAGES``."""
    config = out.with_suffix(".yaml")
    config.write_text(yaml.safe_dump({"worker_config": worker, "selection_config": DIVERSE, "lightly_config": lightly}))
    return vesalius("select", str(config), "--data", str(images), *SMALL, *words, out=out)


def training(done: Done) -> dict[str, Any]:
    return yaml.safe_load((done.folder / "training" / "config.yaml").read_text())


@pytest.fixture(scope="module")
def journey(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The document's job: train, with a batch of its own, then embed, then select."""
    folder = tmp_path_factory.mktemp("journey")
    done = select(
        images, folder / "run", {"enable_training": True}, {"loader": {"batch_size": COUNT}, "collate": {"input_size": 8}},
        "--model.name", "lightly-resnet9",
        "--training.recipe.checkpoint_every.epochs", "100", "--training.recipe.validate_every.epochs", "100",
        "--write", f"filenames={folder / 'selected.txt'}",
    )  # fmt: skip
    assert done.code == 0, done.said
    return done


def test_training_embedding_and_selecting_are_one_run(journey: Done) -> None:
    stages = json.loads((journey.folder / "stages.json").read_text())
    assert {name: stages[name]["state"] for name in ("train", "embed", "select", "report")} == dict.fromkeys(stages, "done")
    assert (journey.folder / "training" / "encoder.safetensors").is_file()
    assert (journey.folder / "report.html").is_file()


def test_a_hundred_epochs_by_default(journey: Done) -> None:
    assert training(journey)["epochs"] == 100
    lines = (journey.folder / "training" / "metrics.jsonl").read_text().splitlines()
    assert max(json.loads(line).get("step", 0) for line in lines) == 100


def test_the_loaders_batch_size(journey: Done) -> None:
    assert training(journey)["batch_size"] == COUNT


def test_every_image_is_embedded_after_training(journey: Done) -> None:
    vectors = np.load(journey.folder / "vectors.npy")
    assert len(vectors) == COUNT
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert len(pd.read_csv(journey.folder / "vectors.ids.csv")) == COUNT


def test_diverse_images_are_selected(journey: Done) -> None:
    names = (journey.folder.parent / "selected.txt").read_text().split()
    assert len(set(names)) == 5
    assert all(name.startswith("photo") for name in names)
    picks = pd.read_parquet(journey.folder / "selection.parquet")
    vectors = np.load(journey.folder / "vectors.npy").astype(np.float64)
    ids = pd.read_csv(journey.folder / "vectors.ids.csv", dtype=str)["id"].tolist()
    rows = [ids.index(str(one)) for one in picks["id"]]
    for order in range(1, 5):  # each is the one farthest from those before it
        away = np.linalg.norm(vectors[:, None] - vectors[None, rows[:order]], axis=2).min(axis=1)
        assert away[rows[order]] == pytest.approx(away.max(), abs=1e-3)


def test_every_other_setting(images: Path, tmp_path: Path) -> None:
    done = select(images, tmp_path / "run", {"enable_training": True}, EVERY)
    assert done.code == 0, done.said
    was = training(done)
    assert (was["encoder"]["name"], was["encoder"]["num_ftrs"], was["method"]["dim"], was["method"]["hidden"]) == ("lightly-resnet34", 12, 20, 12)
    assert (was["batch_size"], was["data"]["drop_last"], was["epochs"], was["precision"], was["seed"]) == (10, False, 1, "fp32", 4)
    assert (was["method"]["temperature"], was["optimizer"]["lr"], was["optimizer"]["weight_decay"]) == (0.3, 0.25, 0.001)
    assert was["views"]["global"] == {
        "count": 2,
        "size": 16,
        "operations": [
            {"random_resized_crop": {"scale": [0.5, 1.0]}},
            {"affine": {"degrees": 30.0, "p": 0.35}},
            {"horizontal_flip": {"p": 0.25}},
            {"vertical_flip": {"p": 0.15}},
            {"colour_jitter": {"brightness": 0.1, "contrast": 0.2, "saturation": 0.3, "hue": 0.05, "p": 0.6}},
            {"greyscale": {"p": 0.1}},
            {"gaussian_blur": {"sigma": [0.3, 0.9], "p": 0.4, "kernel": 0.2}},
        ],
    }
    assert done.config["lightly"]["model"] == {"name": "resnet-34", "width": 0.0625, "num_ftrs": 12, "out_dim": 20}
    for key in ("loader.num_workers", "trainer.gpus", "checkpoint_callback.save_last"):
        assert f"lightly_config.{key} has no effect here" in done.said


def test_a_misspelt_key_is_answered_with_the_one_that_was_meant(images: Path, tmp_path: Path) -> None:
    done = select(images, tmp_path / "run", {"enable_training": True}, {"loader": {"batchsize": 8}})
    assert done.code == 2
    assert 'no key "lightly_config.loader.batchsize". Did you mean "batch_size"?' in done.said
    assert not (tmp_path / "run").exists()


def test_embeddings_of_ones_own_lie_where_the_original_looks(images: Path, tmp_path: Path) -> None:
    folder = images / ".lightly" / "embeddings"
    folder.mkdir(parents=True)
    vectors = np.random.default_rng(0).normal(size=(COUNT, 3))
    rows = [f"photo{n:02}.png,{','.join(map(str, vector))},0,{int(n < 12)},{int(n in (12, 13))}" for n, vector in enumerate(vectors)]
    (folder / "own.csv").write_text("\n".join(["filenames,embedding_0,embedding_1,embedding_2,labels,masked,selected", *rows]) + "\n")
    done = select(images, tmp_path / "run", {"embeddings": "own.csv"}, {}, "--n", "10", "--write", f"filenames={tmp_path / 'selected.txt'}")
    assert done.code == 0, done.said
    names = (tmp_path / "selected.txt").read_text().split()
    assert sorted(names) == [f"photo{n:02}.png" for n in range(14, COUNT)]  # neither what is masked nor what was selected before
    assert not (tmp_path / "run" / "training").exists()
