from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision import models

from tests.encoders.exporting.written import MEAN, STD, checked, trained
from vesalius.encoders import build_encoder
from vesalius.encoders.exporting.torchvision import refusal

STANDARDS = {"mean": MEAN, "std": STD}


@pytest.mark.parametrize(
    ("name", "options", "changed"),
    [
        ("resnet18", {"stem": "standard", "size": (64, 64), **STANDARDS}, ["fc"]),
        ("resnet18", {"stem": "small", "size": (16, 16), **STANDARDS}, ["fc", "conv1", "maxpool"]),
        ("resnet18", {"stem": "innereye", "size": (32, 32), "channels": 1}, ["fc", "conv1"]),
        ("densenet121", {"size": (16, 16)}, ["classifier", "features.conv0", "features.pool0"]),
        ("timm:resnet18", {"size": (64, 64), "channels": 1}, ["fc", "conv1"]),
        ("torchvision:mobilenet_v3_small", {"size": (64, 64), **STANDARDS}, ["classifier.3"]),
        ("torchvision:squeezenet1_1", {"size": (64, 64), "channels": 2}, ["classifier.1", "features.0"]),
    ],
)
def test_torchvision_gives_our_features(
    name: str, options: dict, changed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = checked(trained(build_encoder(name, **options)), "torchvision", tmp_path, monkeypatch)
    assert [change[0] for change in result.facts["load"]["changes"]] == changed
    assert result.facts["input"]["standardised_inside"] is False


def test_plain_torchvision_takes_the_file_strictly_but_for_its_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = checked(build_encoder("resnet18", stem="standard", size=(64, 64)), "torchvision", tmp_path, monkeypatch)
    loaded = models.resnet18().load_state_dict(torch.load(result.file, weights_only=True), strict=False)
    assert loaded.missing_keys == ["fc.weight", "fc.bias"]
    assert loaded.unexpected_keys == []


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("resnet18", {"width": 0.25}, "has the width 1, this one 0.25"),
        ("densenet121", {"final_relu": False}, "ends in a ReLU"),
        ("timm:convnext_atto", {}, "no network with the layers and names of timm:convnext_atto"),
        ("timm:resnet18", {"global_pool": "max"}, "of timm:resnet18 with global_pool"),
    ],
)
def test_what_has_no_twin(name: str, options: dict, words: str) -> None:
    assert words in refusal(build_encoder(name, **options).card)
