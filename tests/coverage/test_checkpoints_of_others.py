"""InnerEye 22 and 25, Lightly 12: the command line takes checkpoints made elsewhere, by every name of the argument."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.coverage.command_line import DEBUG, pretrain, vesalius
from tests.recipes.tiny import images
from vesalius.encoders import build_encoder, load_encoder, weights_hash


@pytest.fixture
def last(tmp_path: Path) -> Path:
    """InnerEye's BYOL on CIFAR, small: its target encoder grew from seed 5."""
    tensors = {}
    for arm, seed in (("online_network", 4), ("target_network", 5)):
        network = build_encoder("resnet18", width=0.125, stem="innereye", seed=seed).network
        tensors |= {f"{arm}.encoder.cnn_model.{name}": tensor for name, tensor in network.state_dict().items()}
        tensors[f"{arm}.projector.model.0.weight"] = torch.rand(2, 64)
    settings = {"ssl_type": "BYOL", "num_classes": 10, "encoder_name": "resnet18"}
    content = {"pytorch-lightning_version": "1.6.5", "hyper_parameters": settings, "state_dict": tensors}
    torch.save(content, tmp_path / "last.ckpt")
    return tmp_path / "last.ckpt"


def test_features_of_a_checkpoint(last: Path, tmp_path: Path) -> None:
    data, out = images(tmp_path / "images", 6), tmp_path / "f.parquet"
    done = vesalius("embed", "--encoder", str(last), "--data", str(data), out=out)
    assert done.code == 0, done.said
    assert "InnerEye or hi-ml BYOL, its target encoder: resnet18, 3×3 stem, with max-pool" in done.said
    assert "left out as it should be, the head: online_network.projector" in done.said
    named = vesalius("embed", "--encoder", "resnet18", "--weights", str(last), "--data", str(data), out=tmp_path / "g.parquet")
    assert named.code == 0, named.said
    one, two = (pd.read_parquet(file)["vector"].to_list() for file in (out, tmp_path / "g.parquet"))
    assert len(one) == 6
    assert all((a == b).all() for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("name", ["--encoder.weights", "--src_checkpoint", "--local_weights_path", "--local_ssl_weights_path"])
def test_pretraining_goes_on_from_a_checkpoint(name: str, last: Path, photographs: Path, tmp_path: Path) -> None:
    words = ("--local_dataset", str(photographs / "ten"), *DEBUG, name, str(last))
    done = pretrain("CIFAR10BYOL", tmp_path / "run", *words, "--encoder.stem", "innereye", "--optimizer.lr", "0")
    assert done.config["encoder"]["weights"] == str(last)
    assert "120 of 120 tensors from last.ckpt" in done.said
    begun = torch.nn.utils.parameters_to_vector(load_encoder(last).parameters())
    ended = torch.nn.utils.parameters_to_vector(load_encoder(done.folder).parameters())
    torch.testing.assert_close(ended, begun)
    assert weights_hash(load_encoder(done.folder)) != weights_hash(load_encoder(last))  # batch norms have seen images


def test_what_is_no_checkpoint_is_one_paragraph(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").write_text("<html>sign in</html>")
    done = vesalius("embed", "--encoder", str(tmp_path / "last.ckpt"), "--data", str(images(tmp_path / "i", 2)))
    assert done.code == 2
    assert "is a web page" in done.said
