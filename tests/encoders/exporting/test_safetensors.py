from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.encoders.exporting.written import MEAN, STD, checked, trained
from vesalius.encoders import build_encoder, load_encoder, weights_hash


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet18", {"width": 0.125, "size": (16, 16), "mean": MEAN, "std": STD}),
        ("resnet18", {"width": 0.125, "size": (16, 16, 16), "channels": 1}),
        ("timm:vit_tiny_patch16_224", {"depth": 1, "size": (32, 32)}),
    ],
)
def test_any_architecture_comes_back_whole(name: str, options: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = trained(build_encoder(name, **options))
    result = checked(encoder, "safetensors", tmp_path, monkeypatch)
    assert result.difference == 0
    assert result.facts["checked"]["outputs"] == ["pooled", "map", "tokens"]
    assert result.facts["input"]["standardised_inside"] is True
    assert {p.name for p in result.path.iterdir()} == {"encoder.safetensors", "encoder.json", "export.json", "README.md"}
    assert weights_hash(load_encoder(result.path)) == weights_hash(encoder) == result.facts["weights"]


def test_a_network_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "from torch import nn\ndef build(channels):\n"
        "    return nn.Sequential(nn.Conv2d(channels, 6, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())\n"
    )
    encoder = build_encoder("mine.py:build", size=(16, 16))
    assert checked(encoder, "safetensors", tmp_path, monkeypatch).difference == 0
    torch.testing.assert_close(load_encoder(tmp_path / "safetensors").network[0].weight, encoder.network[0].weight)
