from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from vesalius.encoders import build_encoder, load_encoder, save_encoder, weights_hash
from vesalius.encoders.loading import by_chance, fill, read_tensors
from vesalius.errors import UserError


def small(**options: object) -> nn.Module:
    return build_encoder("resnet18", width=0.125, **options)


@pytest.mark.parametrize("wrapped", ["plain", "state_dict", "module.", "model.encoder.network."])
def test_checkpoints_of_many_shapes(tmp_path: Path, wrapped: str) -> None:
    source = small(seed=7)
    tensors = source.network.state_dict()
    content: dict[str, object] = {**tensors, "fc.weight": torch.rand(2, 2)}
    if wrapped == "state_dict":
        content = {"epoch": 3, "state_dict": content}
    elif wrapped != "plain":
        content = {f"{wrapped}{k}": v for k, v in tensors.items()} | {"projector.0.weight": torch.rand(2, 2)}
    torch.save(content, tmp_path / "weights.pth")
    started = small(weights=str(tmp_path / "weights.pth"))
    assert weights_hash(started) == weights_hash(source)
    assert len(started.loaded.unexpected) == 1
    assert started.card.trained_on == "started from weights.pth"
    assert str(tmp_path) not in started.card.model_dump_json()


def test_safetensors_files(tmp_path: Path) -> None:
    source = small(seed=7)
    save_file(source.network.state_dict(), tmp_path / "w.safetensors")
    assert weights_hash(small(weights=tmp_path / "w.safetensors")) == weights_hash(source)


def test_too_few_matches_are_refused_with_the_names(tmp_path: Path) -> None:
    tensors = small().network.state_dict()
    for name in [n for n in tensors if n.startswith(("layer4", "layer3"))]:
        del tensors[name]
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(UserError, match=r"Only 5\d% of the network's tensors .* layer3.0.conv1.weight"):
        small(weights=str(tmp_path / "w.safetensors"))
    assert small(weights=str(tmp_path / "w.safetensors"), min_match=0.4).loaded.missing


def test_another_shape_is_named(tmp_path: Path) -> None:
    save_encoder(build_encoder("resnet18", width=0.25), tmp_path)
    with pytest.raises(UserError, match=r"Other shapes: conv1.weight \(16, 3, 3, 3\) for \(8, 3, 3, 3\)"):
        small(weights=str(tmp_path))


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path}/ran",)

    (tmp_path / "bomb.pth").write_bytes(pickle.dumps({"state_dict": Bomb()}))
    torch.save({"conv1.weight": torch.rand(2), "x": Bomb()}, tmp_path / "zipped.pth")
    for name in ("bomb.pth", "zipped.pth"):
        with pytest.raises(UserError, match=r"refused|cannot be read"):
            read_tensors(tmp_path / name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x00" * 64])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_damaged_files_are_refused_by_name(tmp_path: Path, content: bytes, suffix: str) -> None:
    file = tmp_path / f"broken{suffix}"
    file.write_bytes(content)
    with pytest.raises(UserError, match=f"broken{suffix} cannot be read"):
        read_tensors(file)


def test_files_without_tensors(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(UserError, match="no named tensors"):
        read_tensors(tmp_path / "w.pth")
    with pytest.raises(UserError, match="does not exist"):
        read_tensors(tmp_path / "absent.pth")


def test_filling_keeps_the_layout() -> None:
    source, target = small(seed=1), small(seed=2).to(memory_format=torch.channels_last)
    fill(target.network, source.network.state_dict(), "a test")
    assert target.network.conv1.weight.is_contiguous(memory_format=torch.channels_last)
    assert weights_hash(source) == weights_hash(target)


def test_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = small(seed=3)
    save_encoder(encoder, tmp_path / "runs" / "20250101-pretrain-x")
    (tmp_path / "runs" / "20250101-pretrain-x" / "run.json").write_text(json.dumps({"id": "abc123", "started": "1"}))
    monkeypatch.setenv("VESALIUS_RUNS", str(tmp_path / "runs"))
    folder = tmp_path / "runs" / "20250101-pretrain-x"
    for reference in (
        folder,
        str(folder),
        folder / "encoder.safetensors",
        folder / "encoder.json",
        "run:abc",
        "latest",
    ):
        assert weights_hash(load_encoder(reference)) == weights_hash(encoder)
    assert weights_hash(load_encoder("resnet18", width=0.125, seed=3)) == weights_hash(encoder)
    monkeypatch.chdir(tmp_path)
    for wrong in ("absent", "run:zzz"):
        with pytest.raises(UserError):
            load_encoder(wrong)
    with pytest.raises(UserError, match="cannot be chosen again"):
        load_encoder(folder, width=1)


def test_folders_without_an_encoder(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=r"encoder.json and encoder.safetensors must be there, and there is notes.txt"):
        load_encoder(tmp_path)
    save_encoder(small(), tmp_path)
    (tmp_path / "encoder.json").write_text("{")
    with pytest.raises(UserError, match="is not an encoder's card"):
        load_encoder(tmp_path)


def test_weights_that_are_not_the_cards_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save_encoder(small(), tmp_path)
    tensors = load_file(tmp_path / "encoder.safetensors")
    tensors["bn1.bias"] = tensors["bn1.bias"] + 1
    save_file(tensors, tmp_path / "encoder.safetensors")
    load_encoder(tmp_path)
    assert "SHA-256 differs" in caplog.text


def test_starting_from_a_run_brings_its_mean_and_deviation(tmp_path: Path) -> None:
    save_encoder(small(mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0)), tmp_path)
    assert small(weights=str(tmp_path)).card.std == (1.0, 2.0, 3.0)


def test_pretrained_weights_are_asked_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network, a stand-in for what the libraries would have downloaded."""
    from vesalius.encoders import timm_family, torchvision_family

    source = build_encoder("resnet18", stem="standard", seed=9, size=(64, 64)).network.state_dict()
    asked = []
    for module in (timm_family, torchvision_family):
        monkeypatch.setattr(module, "pretrained", lambda name: asked.append(name) or source)
    mine = build_encoder("resnet18", stem="standard", size=(64, 64), weights="timm:resnet18")
    assert mine.card.mean == pytest.approx((0.485, 0.456, 0.406))
    grey = build_encoder("torchvision:resnet18", channels=1, size=(64, 64), weights="torchvision:resnet18")
    assert grey.card.mean == pytest.approx((0.449,), abs=1e-3)
    assert asked == ["resnet18", "resnet18"]
    torch.testing.assert_close(grey.network.conv1.weight, source["conv1.weight"].sum(1, keepdim=True))
    assert any("adapted from 3 to 1" in note for note in grey.card.notes)


@pytest.mark.parametrize(
    ("reference", "weights", "says"),
    [
        ("resnet18", None, "resnet18 is the name of a network, and its weights are random. Name what has learnt"),
        ("timm:resnet18", None, "--weights timm:resnet18 takes the published ones"),
        ("timm:resnet18", "timm:resnet18", ""),
        ("mine.py:build", None, ""),
        ("random_r18", None, ""),
        ("runs/one", None, ""),
    ],
)
def test_a_name_alone_means_random_weights(reference: str, weights: str | None, says: str) -> None:
    said = by_chance(reference, weights)
    assert says in said
    assert bool(said) == bool(says)
