"""What a file holds is told by its bytes; what it cannot be is said in one paragraph."""

from __future__ import annotations

import argparse
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vesalius.encoders.layouts import read_contents
from vesalius.errors import UserError

TENSORS = {"conv1.weight": torch.rand(2, 3), "bn1.bias": torch.rand(2)}


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".ckpt", ".bin", "", ".json", ".zip"])
@pytest.mark.parametrize("kind", ["torch file", "safetensors", "pickle"])
def test_the_suffix_says_nothing(kind: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    if kind == "safetensors":
        save_file(TENSORS, path)
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({k: v.numpy() for k, v in TENSORS.items()}))
    else:
        torch.save(TENSORS, path)
    found = read_contents(path)
    assert found.kind == kind
    assert found.tensors.keys() == TENSORS.keys()
    assert all(torch.equal(found.tensors[k], v) for k, v in TENSORS.items())


@pytest.mark.parametrize(
    ("content", "nest"),
    [
        (TENSORS, ()),
        ({"state_dict": TENSORS, "epoch": 3}, ("state_dict",)),
        ({"model": TENSORS, "optimizer": {"state": {0: TENSORS}}}, ("model",)),
        ({"model": {"state_dict": TENSORS}}, ("model", "state_dict")),
        ({"student": TENSORS, "teacher": TENSORS, "dino_loss": {"center": torch.rand(3)}}, ("teacher",)),
        ({"teacher": TENSORS}, ("teacher",)),
        ({"resnet": TENSORS, "fc": {"weight": torch.rand(2)}}, ("resnet",)),
        ({"somewhere": {"else": TENSORS}}, ("somewhere", "else")),
        ({**TENSORS, "extra": {"conv1.weight": torch.rand(1)}}, ()),
    ],
)
def test_where_the_tensors_lie(content: dict[str, Any], nest: tuple[str, ...], tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pth")
    found = read_contents(tmp_path / "w.pth")
    assert found.nest == nest
    assert found.tensors.keys() == TENSORS.keys()


def test_a_module_saved_whole_is_read_without_its_class(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.BatchNorm2d(4)))
    torch.save(module, tmp_path / "m.pt")
    found = read_contents(tmp_path / "m.pt")
    assert found.tensors.keys() == module.state_dict().keys()
    assert all(torch.equal(found.tensors[k], v) for k, v in module.state_dict().items())


@pytest.mark.parametrize("container", [dict, lambda **k: argparse.Namespace(**k)])
def test_settings_are_read(container: Any, tmp_path: Path) -> None:
    torch.save({"state_dict": TENSORS, "hyper_parameters": container(ssl_type="BYOL", lr=0.1)}, tmp_path / "w.ckpt")
    assert read_contents(tmp_path / "w.ckpt").settings == {"ssl_type": "BYOL", "lr": 0.1}


def refused(path: Path) -> str:
    with pytest.raises(UserError) as error:
        read_contents(path)
    assert "\n" not in str(error.value)
    assert path.name in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
        (b"<!doctype html><title>Sign in</title>", "web page"),
        (b"\n <html>", "web page"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"", "neither safetensors nor"),
        (b"epoch,loss\n1,2\n", "cannot be read"),
    ],
)
def test_what_is_no_weights_file_is_named(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    assert words in refused(tmp_path / "w.pth")


def test_a_bomb_in_any_place_is_refused(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {tmp_path}/ran",)

    torch.save({"state_dict": TENSORS, "hyper_parameters": Bomb()}, tmp_path / "new.ckpt")
    torch.save(
        {"state_dict": TENSORS, "callbacks": {"x": [Bomb()]}},
        tmp_path / "old.ckpt",
        _use_new_zipfile_serialization=False,
    )
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps({"model": Bomb()}))
    for name in ("new.ckpt", "old.ckpt", "plain.pkl"):
        assert "asks for " in refused(tmp_path / name)
    assert not (tmp_path / "ran").exists()


def test_a_damaged_archive(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "w.pth")
    whole = (tmp_path / "w.pth").read_bytes()
    (tmp_path / "w.pth").write_bytes(whole[: len(whole) // 2])
    assert "cannot be read as weights" in refused(tmp_path / "w.pth")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x", b"y")
    assert "not one of torch" in refused(tmp_path / "a.zip")
