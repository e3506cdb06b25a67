from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import timm
import torch
import yaml

from tests.encoders.exporting.written import MEAN, STD, checked, trained
from vesalius.encoders import build_encoder
from vesalius.export import export

STANDARDS = {"mean": MEAN, "std": STD}


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("an export asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet18", {"stem": "standard", "size": (64, 64), **STANDARDS}),
        ("timm:convnext_atto", {"size": (64, 64), "channels": 1}),
        ("timm:vit_tiny_patch16_224", {"depth": 1, "size": (48, 48), **STANDARDS}),
    ],
)
def test_the_folder_is_all_that_timm_needs(name: str, options: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = trained(build_encoder(name, **options))
    result = checked(encoder, "hf", tmp_path, monkeypatch)
    assert {p.name for p in result.path.iterdir()} == {"config.json", "model.safetensors", "README.md", "export.json"}
    # what timm reads of the preprocessing is the card's
    model = timm.create_model(f"local-dir:{result.path}", pretrained=True)
    config = timm.data.resolve_model_data_config(model)
    assert tuple(config["input_size"]) == (encoder.card.channels, *encoder.card.size)
    assert tuple(config["mean"]) == (encoder.card.mean or (0.0,) * encoder.card.channels)
    assert tuple(config["std"]) == (encoder.card.std or (1.0,) * encoder.card.channels)
    # fine-tuning with a head of its own
    head = timm.create_model(f"local-dir:{result.path}", pretrained=True, num_classes=5).eval()
    x = torch.rand(2, encoder.card.channels, *encoder.card.size)
    assert head(x).shape == (2, 5)
    kept = head.state_dict()
    assert all(torch.equal(kept[key], value) for key, value in model.state_dict().items())


def test_the_model_card(tmp_path: Path) -> None:
    encoder = build_encoder("timm:resnet10t.c3_in1k", size=(32, 32))
    encoder.card = encoder.card.model_copy(
        update={
            "trained_on": "chest radiographs of a clinic in /data/smith_jane/images, simclr, 3 epochs, no labels",
            "licence": "CC-BY-NC-4.0",
            "notes": ["12 of 12 tensors from /home/jane/start.pth"],
        }
    )
    result = export(encoder, to="hf", out=tmp_path / "x", quiet=True)
    text = (result.path / "README.md").read_text()
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["license"] == "cc-by-nc-4.0"
    assert front["library_name"] == "timm"
    assert "chest radiographs" in text
    assert "from start.pth" in text
    everything = text + (result.path / "export.json").read_text() + (result.path / "config.json").read_text()
    assert not any(word in everything for word in ("jane/", "/data", "/home", str(tmp_path)))
    assert json.loads((result.path / "config.json").read_text())["architecture"] == "resnet10t"
    encoder.card = encoder.card.model_copy(update={"licence": "ask us"})
    result = export(encoder, to="hf", out=tmp_path / "y", quiet=True)
    text = (result.path / "README.md").read_text()
    assert "license: other" in text
    assert "Licence: ask us" in text
