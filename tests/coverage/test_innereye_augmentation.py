"""InnerEye 35, 36, 46 and 48: augmentation files, on small trees of radiographs, through the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.coverage.command_line import DEBUG, TINY, vesalius
from tests.trees import nih
from tests.views.innereye_files import ENCODER, HEAD
from vesalius.recipes.augmentation import HEAD_FALLS_BACK

SMALLER = {"resize: 256": "resize: 36", "center_crop_size: 224": "center_crop_size: 32"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("radiographs")
    nih.write(folder / "nih", 12)
    for name, text in (("encoder", ENCODER), ("head", HEAD)):
        for old, new in SMALLER.items():
            text = text.replace(old, new)
        (folder / f"{name}.yaml").write_text(text)
    (folder / "both.yaml").write_text(f"{(folder / 'encoder.yaml').read_text()}  label_smoothing: {{epsilon: 0.2}}\n")
    return folder


def trained(place: Path, out: Path, *words: str):
    own = ("--local_dataset", str(place / "nih"), "--data.monitor", "nih-chestxray14", *DEBUG, *TINY)
    done = vesalius("pretrain", "nih-rsna-simclr", *own, *words, out=out)
    assert done.code == 0, done.said
    return done


def test_ssl_augmentation_config(place: Path, tmp_path: Path) -> None:
    """The head's file falls back to the encoder's, and the run says so; what has no effect is said too."""
    done = trained(place, tmp_path / "run", "--ssl_augmentation_config", str(place / "both.yaml"))
    assert [next(iter(step)) if isinstance(step, dict) else step for step in done.config["views"]["global"]["operations"]] == [
        "affine", "random_resized_crop", "horizontal_flip", "gamma", "colour_jitter", "elastic", "centre_crop", "erasing", "noise",
    ]  # fmt: skip
    said = " ".join(done.said.split())
    assert HEAD_FALLS_BACK in said
    assert "label_smoothing.epsilon has no effect" in said
    assert done.monitor("linear")["views"] == done.config["views"]
    assert "both.yaml" not in (done.folder / "config.yaml").read_text()


def test_linear_head_augmentation_config(place: Path, tmp_path: Path) -> None:
    words = ("--ssl_augmentation_config", str(place / "encoder.yaml"), "--linear_head_augmentation_config", str(place / "head.yaml"))
    done = trained(place, tmp_path / "run", *words)
    assert "affine" in done.monitor("linear")["views"]["global"]["operations"][0]
    assert done.monitor("linear")["views"]["global"]["operations"][0]["affine"]["degrees"] == 30
    assert "is not given" not in done.said
    assert any("monitor/linear/train_loss" in row for row in done.rows("monitor"))


def test_a_picture_of_a_file_and_its_recipe(place: Path, tmp_path: Path) -> None:
    done = vesalius("recipes", "show", str(place / "encoder.yaml"), "--views", str(place / "nih" / "images_001"), out=tmp_path / "views.png")
    assert done.code == 0, done.said
    assert (tmp_path / "views.png").stat().st_size > 1000
    shown = vesalius("recipes", "show", "cxr_ssl_encoder_augmentations.yaml")
    assert shown.code == 0
    assert "degrees: 180" in shown.said
    assert shown.said == vesalius("recipes", "show", "radiograph-innereye-encoder").said


def test_a_file_with_cifar_is_refused(place: Path, tmp_path: Path) -> None:
    done = vesalius("pretrain", "CIFAR10SimCLR", "--ssl_augmentation_config", str(place / "encoder.yaml"), out=tmp_path / "run")
    assert done.code == 2
    assert "for radiographs, and cifar10 has augmentations of its own" in " ".join(done.said.split())


def test_an_unknown_key_is_refused_with_the_nearest(place: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("augmentation: {use_elastic_transfrom: True}")
    done = vesalius("pretrain", "nih-rsna-simclr", "--views", str(tmp_path / "wrong.yaml"), "--local_dataset", str(place / "nih"))
    assert done.code == 2
    assert "Did you mean augmentation.use_elastic_transform?" in " ".join(done.said.split())
