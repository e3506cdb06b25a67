from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from vesalius.encoders import build_encoder, load_encoder, save_encoder, weights_hash
from vesalius.encoders.saving import tensor_bytes


def test_saved_and_loaded_equal(tmp_path: Path) -> None:
    encoder = build_encoder("resnet18", width=0.125, channels=4, size=(24, 24), seed=5)
    encoder(torch.rand(8, 4, 24, 24))  # batch-norm statistics of its own
    encoder.card = encoder.card.model_copy(update={"trained_on": "squares", "notes": ["one"]})
    card = save_encoder(encoder.eval(), tmp_path / "new" / "folder")
    again = load_encoder(tmp_path / "new" / "folder")
    x = torch.rand(3, 4, 24, 24)
    assert torch.equal(again(x).pooled, encoder(x).pooled)
    assert not again.training
    assert again.card == card == encoder.card
    assert card.weights == weights_hash(again) == weights_hash(encoder)
    assert again.loaded is not None
    assert not again.loaded.missing


def test_two_files_and_nothing_else(tmp_path: Path) -> None:
    save_encoder(build_encoder("resnet18", width=0.125), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["encoder.json", "encoder.safetensors"]
    assert json.loads((tmp_path / "encoder.json").read_text())["dim"] == 64


def test_tensor_names_are_the_networks_own(tmp_path: Path) -> None:
    from torchvision.models import resnet18

    save_encoder(build_encoder("resnet18", stem="standard", size=(64, 64)), tmp_path)
    loaded = resnet18().load_state_dict(load_file(tmp_path / "encoder.safetensors"), strict=False)
    assert loaded.missing_keys == ["fc.weight", "fc.bias"]
    assert not loaded.unexpected_keys


def test_the_hash_sees_names_values_types_and_not_the_layout() -> None:
    encoder = build_encoder("resnet18", width=0.125)
    before = weights_hash(encoder)
    encoder.to(memory_format=torch.channels_last)
    assert weights_hash(encoder) == before
    with torch.no_grad():
        encoder.network.bn1.bias[0] += 1e-6
    assert weights_hash(encoder) != before
    with torch.no_grad():
        encoder.network.bn1.bias[0] = 0
    assert weights_hash(encoder) == before
    assert weights_hash(encoder.double()) != before


def test_channels_last_and_shared_tensors_can_be_written(tmp_path: Path) -> None:
    base = torch.rand(4, 3, 5, 5).contiguous(memory_format=torch.channels_last)
    shared = torch.arange(6.0)
    file = tmp_path / "x.safetensors"
    file.write_bytes(tensor_bytes({"a": base, "b": shared, "c": shared[:3], "d": shared}))
    read = load_file(file)
    assert torch.equal(read["a"], base)
    assert torch.equal(read["c"], shared[:3])
    assert torch.equal(read["d"], shared)


def test_a_failed_write_keeps_the_old_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = build_encoder("resnet18", width=0.125)
    save_encoder(encoder, tmp_path)
    before = weights_hash(load_encoder(tmp_path))

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with torch.no_grad():
        encoder.network.bn1.bias += 1
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Exception, match=r"space|room|full"):
        save_encoder(encoder, tmp_path)
    monkeypatch.undo()
    assert weights_hash(load_encoder(tmp_path)) == before
