"""InnerEye 15, 22, 25 and 26: a classifier on the encoder of a pretraining, under the original's names."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.coverage.command_line import DEBUG, Done, pretrain, vesalius
from vesalius.encoders import build_encoder, load_encoder, weights_hash


@pytest.fixture(scope="module")
def pretrained(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pretrained") / "run"
    return pretrain("CIFAR10SimCLR", out, "--local_dataset", str(photographs / "ten"), *DEBUG).folder


def classify(photographs: Path, out: Path, *words: str) -> Done:
    """``vesalius finetune SSLClassifierCIFAR`` that must succeed, for two epochs of one batch."""
    given = ("--local_dataset", str(photographs / "ten"), "--is_debug_model", "True", "--num_epochs", "2", "--threads", "1")
    done = vesalius("finetune", "SSLClassifierCIFAR", *given, *words, out=out)
    assert done.code == 0, done.said
    assert done.facts["state"] == "done"
    return done


def test_sslclassifiercifar(pretrained: Path, photographs: Path, tmp_path: Path) -> None:
    done = classify(photographs, tmp_path / "run", "--src_checkpoint", str(pretrained))
    found = pd.read_parquet(done.folder / "predictions.parquet")
    assert [c for c in found if c.startswith("prob_")] == [f"prob_{i}" for i in range(10)]
    assert (done.folder / "classifier.safetensors").is_file()
    assert (done.folder / "report.html").is_file()


@pytest.mark.parametrize("name", ["--src_checkpoint", "--local_weights_path", "--local_ssl_weights_path", "--encoder"])
def test_every_spelling_of_the_checkpoint(name: str, pretrained: Path, photographs: Path, tmp_path: Path) -> None:
    done = classify(photographs, tmp_path / "run", name, str(pretrained))
    assert weights_hash(load_encoder(done.folder)) == weights_hash(load_encoder(pretrained))


def test_the_encoder_is_taken_out_of_an_originals_checkpoint(photographs: Path, tmp_path: Path) -> None:
    network = build_encoder("resnet18", width=0.125, stem="innereye", seed=5).network
    tensors = {f"encoder.cnn_model.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors["projection.model.0.weight"] = torch.rand(2, 64)
    settings = {"ssl_type": "SimCLR", "num_classes": 10, "encoder_name": "resnet18"}
    content = {"pytorch-lightning_version": "1.6.5", "hyper_parameters": settings, "state_dict": tensors}
    torch.save(content, tmp_path / "last.ckpt")
    done = classify(photographs, tmp_path / "run", "--local_ssl_weights_path", str(tmp_path / "last.ckpt"))
    assert "InnerEye or hi-ml SimCLR" in done.said
    taken = load_encoder(done.folder).network.state_dict()
    assert all(torch.equal(taken[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(("word", "frozen"), [(None, True), ("True", True), ("False", False)])
def test_freeze_encoder(word: str | None, frozen: bool, pretrained: Path, photographs: Path, tmp_path: Path) -> None:
    words = () if word is None else (f"--freeze_encoder={word}",)
    done = classify(photographs, tmp_path / "run", "--src_checkpoint", str(pretrained), "--patience", "null", *words)
    assert done.config["encoder"]["freeze"] is frozen
    same = weights_hash(load_encoder(done.folder)) == weights_hash(load_encoder(pretrained))
    stepped = bool(done.rows("train")) if (done.folder / "metrics.jsonl").exists() else False
    assert stepped is not frozen
    assert same or not frozen, "a frozen encoder is as it was"
