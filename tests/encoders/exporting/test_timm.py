from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch

from tests.encoders.exporting.written import MEAN, STD, checked, trained
from vesalius.encoders import build_encoder
from vesalius.encoders.exporting.timm import refusal

STANDARDS = {"mean": MEAN, "std": STD}


@pytest.mark.parametrize(
    ("name", "options", "model"),
    [
        ("resnet18", {"stem": "standard", "size": (64, 64), **STANDARDS}, "resnet18"),
        ("resnet50", {"stem": "standard", "size": (64, 64), "channels": 1}, "resnet50"),
        ("densenet121", {"stem": "standard", "size": (64, 64), **STANDARDS}, "densenet121"),
        ("torchvision:resnet18", {"size": (64, 64), **STANDARDS}, "resnet18"),
        ("timm:convnext_atto", {"size": (64, 64), **STANDARDS}, "convnext_atto"),
        ("timm:vit_tiny_patch16_224", {"depth": 1, "size": (48, 48), **STANDARDS}, "vit_tiny_patch16_224"),
        ("timm:eva02_tiny_patch14_224", {"depth": 1, "size": (56, 56), "channels": 1}, "eva02_tiny_patch14_224"),
        ("timm:swin_tiny_patch4_window7_224", {"depths": (1, 1, 1, 1), "size": (64, 64)}, "swin_tiny_patch4_window7_224"),
    ],
)
def test_timm_gives_our_features(name: str, options: dict, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = checked(trained(build_encoder(name, **options)), "timm", tmp_path, monkeypatch)
    assert result.facts["model"] == model
    assert result.facts["input"]["standardised_inside"] is False
    text = (result.path / "README.md").read_text()
    assert ("**yours to do**" in text) == ("mean" in options)
    assert ("Standardisation: none" in text) == ("mean" not in options)


def test_without_standardisation_the_features_are_others(tmp_path: Path) -> None:
    """What the README says is needed is needed: the check would see it left out."""
    from vesalius.export import export

    encoder = trained(build_encoder("resnet18", stem="standard", size=(64, 64), **STANDARDS)).eval()
    result = export(encoder, to="timm", out=tmp_path / "x", quiet=True)
    model = timm.create_model("resnet18", num_classes=0, checkpoint_path=str(result.file)).eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        ours = encoder(images).pooled
        assert (model(images) - ours).abs().max() > 1e-2 * ours.abs().max()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("resnet18", {}, "the standard stem alone, this one the small"),
        ("resnet18", {"stem": "innereye"}, "this one the innereye"),
        ("resnet18", {"stem": "standard", "width": 0.5}, "has the width 1, this one 0.5"),
        ("resnet18", {"stem": "standard", "width": 0.125, "size": (16, 16, 16)}, "no network of 3 dimensions"),
        ("torchvision:mobilenet_v3_small", {}, "no network with the layers and names"),
    ],
)
def test_what_has_no_twin(name: str, options: dict, words: str) -> None:
    assert words in refusal(build_encoder(name, **options).card)
