"""InnerEye 15, 22, 25, 26: a classifier on an encoder, under the original's names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.coverage.command_line import Done, vesalius
from tests.labelled import encoder
from vesalius.encoders import load_encoder, weights_hash

SMALL = ("--threads", "1", "--num_epochs", "1", "--is_debug_model", "True")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder as a pretraining leaves it."""
    return encoder(tmp_path_factory.mktemp("pretrained") / "run", channels=3)


def classify(photographs: Path, out: Path, *arguments: str) -> Done:
    done = vesalius("finetune", "SSLClassifierCIFAR", "--local_dataset", str(photographs / "ten"), *SMALL, *arguments, out=out)
    assert done.code == 0, done.said
    assert done.facts["verb"] == "finetune"
    return done


def test_ssl_classifier_cifar(photographs: Path, checkpoint: Path, tmp_path: Path) -> None:
    done = classify(photographs, tmp_path / "run", "--encoder", str(checkpoint))
    assert done.config["data"]["train"] == "cifar10"
    assert (tmp_path / "run" / "predictions.parquet").is_file()


@pytest.mark.parametrize("spelling", ["src_checkpoint", "local_weights_path", "local_ssl_weights_path"])
def test_each_documented_spelling_of_a_local_checkpoint(photographs: Path, checkpoint: Path, tmp_path: Path, spelling: str) -> None:
    done = classify(photographs, tmp_path / "run", f"--{spelling}={checkpoint}")
    assert done.config["encoder"]["weights"] == str(checkpoint)
    assert weights_hash(load_encoder(tmp_path / "run")) == weights_hash(load_encoder(checkpoint))


@pytest.mark.parametrize("word", ["True", "False"])
def test_freeze_encoder(photographs: Path, checkpoint: Path, tmp_path: Path, word: str) -> None:
    arguments = (f"--freeze_encoder={word}", "--src_checkpoint", str(checkpoint), "--optimizer.lr", "0.01", "--metric", "loss")
    done = classify(photographs, tmp_path / "run", *arguments)
    assert done.config["encoder"]["freeze"] is (word == "True")
    assert bool(done.rows("train")) == (word == "False"), "the loop runs only where the encoder learns"
    if word == "True":
        assert weights_hash(load_encoder(tmp_path / "run")) == weights_hash(load_encoder(checkpoint))


def test_the_default_is_frozen(photographs: Path, checkpoint: Path, tmp_path: Path) -> None:
    assert classify(photographs, tmp_path / "run", "--src_checkpoint", str(checkpoint)).config["encoder"]["freeze"] is True
