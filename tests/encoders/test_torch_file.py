"""Files of torch, new and old, give what torch gives; a damaged one is refused."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch

from vesalius.data.unpickle import Refused
from vesalius.encoders.torch_file import TorchFile, is_torch


def tensors() -> dict[str, torch.Tensor]:
    shared = torch.rand(6, generator=torch.Generator().manual_seed(3))
    return {
        "plain": torch.arange(12.0).reshape(3, 4),
        "turned": torch.arange(12.0).reshape(3, 4).T,
        "last": torch.rand(1, 3, 4, 4).to(memory_format=torch.channels_last),
        "part": shared[2:5],
        "whole": shared,
        "half": torch.arange(3).half(),
        "brain": torch.arange(3).bfloat16(),
        "long": torch.tensor(7),
        "bool": torch.tensor([True, False]),
        "none": torch.empty(0, 3),
        "grad": torch.nn.Parameter(torch.rand(2)),
    }


@pytest.mark.parametrize("new", [True, False])
def test_every_kind_of_tensor(new: bool, tmp_path: Path) -> None:
    given = tensors()
    torch.save({"state_dict": given, "other": torch.rand(3)}, tmp_path / "t.pth", _use_new_zipfile_serialization=new)
    file = TorchFile(tmp_path / "t.pth")
    found = file.tensors(file.content["state_dict"])
    assert list(found) == list(given)
    for name, tensor in given.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor), name


def all_of(path: Path) -> dict[str, torch.Tensor]:
    file = TorchFile(path)
    return file.tensors(file.content)


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("keep", [0.99, 0.5, 0.1])
def test_a_file_cut_short_is_refused(new: bool, keep: float, tmp_path: Path) -> None:
    torch.save({"a": torch.rand(4000)}, tmp_path / "t.pth", _use_new_zipfile_serialization=new)
    whole = (tmp_path / "t.pth").read_bytes()
    (tmp_path / "t.pth").write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises((Refused, zipfile.BadZipFile, EOFError)):
        all_of(tmp_path / "t.pth")


def test_archives_that_are_none_of_torch(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", b"")
    with pytest.raises(Refused, match="not one of torch"):
        TorchFile(tmp_path / "a.npz")
    torch.save({"a": torch.zeros(100_000)}, tmp_path / "t.pth")
    with (
        zipfile.ZipFile(tmp_path / "t.pth") as old,
        zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(Refused, match="compressed"):
        TorchFile(tmp_path / "bomb.pth")
    module = torch.jit.script(torch.nn.Linear(2, 2))
    torch.jit.save(module, str(tmp_path / "script.pt"))
    with pytest.raises(Refused, match="TorchScript"):
        TorchFile(tmp_path / "script.pt")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_of_torch_is_told_by_its_beginning(zipped: bool, tmp_path: Path) -> None:
    torch.save(tensors(), tmp_path / "a.pkl", _use_new_zipfile_serialization=zipped)
    assert is_torch(tmp_path / "a.pkl")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"\x80\x02}."])
def test_others_are_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("model.ckpt-1.index", content)
    damaged = (tmp_path / "b.zip").read_bytes().replace(b"PK\x01\x02", b"PK\x01\x09")
    (tmp_path / "c.zip").write_bytes(damaged)
    assert not any(is_torch(path) for path in tmp_path.iterdir())
