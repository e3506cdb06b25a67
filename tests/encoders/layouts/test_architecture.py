"""Networks are told by names and shapes alone; what is nearly a known network is none."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from torch import Tensor
from torchvision import models

from vesalius.encoders import build_encoder
from vesalius.encoders.layouts import tell


def shapes(make: Any, *words: Any, **options: Any) -> dict[str, Tensor]:
    """The tensors of a network that takes no memory."""
    with torch.device("meta"):
        return dict(make(*words, **options).state_dict())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("resnet18", "resnet18"),
        ("resnet34", "resnet34"),
        ("resnet50", "resnet50"),
        ("resnet101", "resnet101"),
        ("resnet152", "torchvision:resnet152"),
        ("wide_resnet50_2", "torchvision:wide_resnet50_2"),
        ("wide_resnet101_2", "torchvision:wide_resnet101_2"),
        ("resnext50_32x4d", "torchvision:resnext50_32x4d"),
        ("resnext101_32x8d", "torchvision:resnext101_32x8d"),
        ("resnext101_64x4d", "torchvision:resnext101_64x4d"),
        ("densenet121", "densenet121"),
        ("densenet161", "torchvision:densenet161"),
        ("densenet169", "torchvision:densenet169"),
        ("densenet201", "torchvision:densenet201"),
    ],
)
def test_networks_of_torchvision(name: str, told: str) -> None:
    found = tell(shapes(models.get_model, name), {})
    assert found is not None
    assert (found.name, found.channels, found.size) == (told, 3, (224, 224))
    assert "7×7 stem" in found.words


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "densenet121"])
@pytest.mark.parametrize("stem", ["small", "standard"])
@pytest.mark.parametrize(("width", "channels"), [(0.5, 1), (0.25, 4)])
def test_our_own_with_stem_width_and_channels(name: str, stem: str, width: float, channels: int) -> None:
    tensors = build_encoder(name, stem=stem, width=width, channels=channels, size=(64, 64)).network.state_dict()
    found = tell(tensors, {})
    assert found is not None
    assert (found.name, found.channels, found.options["stem"]) == (name, channels, stem)
    assert found.options.get("width", 1.0) == width


def test_three_dimensions() -> None:
    found = tell(build_encoder("resnet18", width=0.125, size=(16, 16, 16)).network.state_dict(), {})
    assert found is not None
    assert len(found.size) == 3


@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        ("vit_tiny_patch16_224", {}, 224),
        ("vit_small_patch16_224", {"img_size": 96}, 96),
        ("vit_base_patch32_224", {}, 224),
        ("vit_base_patch8_224", {}, 224),
        ("vit_large_patch14_224", {}, 224),
        ("vit_small_patch14_dinov2", {}, 518),
        ("vit_base_patch14_reg4_dinov2", {}, 518),
    ],
)
def test_vision_transformers_by_name(name: str, options: dict[str, Any], size: int) -> None:
    found = tell(shapes(timm.create_model, name, **options), {})
    assert found is not None
    assert (found.name, found.size, dict(found.options)) == (f"timm:{name}", (size, size), {})


@pytest.mark.parametrize(
    "options",
    [
        {"patch_size": 4, "img_size": 32, "in_chans": 1},
        {"embed_dim": 256, "depth": 5, "num_heads": 4, "img_size": 64},
        {"class_token": False, "global_pool": "avg", "img_size": 64},
        {"no_embed_class": True, "img_size": 64},
        {"global_pool": "avg", "img_size": 64},
        {"qkv_bias": False, "pre_norm": True, "init_values": 0.1, "img_size": 64},
    ],
)
def test_other_vision_transformers_by_their_options(options: dict[str, Any]) -> None:
    tensors = timm.create_model("vit_small_patch16_224", num_classes=0, **options).state_dict()
    found = tell(tensors, {})
    assert found is not None
    built = build_encoder(found.name, channels=found.channels, size=found.size, **found.options)
    own = {k: v.shape for k, v in built.network.state_dict().items() if k != "mask_token"}
    assert own == {k: v.shape for k, v in tensors.items()}


@pytest.mark.parametrize(
    "name",
    [
        "seresnet50", "resnet50d", "resnest14d", "ecaresnet50t", "res2net50_26w_4s", "legacy_seresnet18", "resnet26",
        "beit_base_patch16_224", "deit_tiny_distilled_patch16_224", "swin_tiny_patch4_window7_224", "convnext_atto",
        "eva02_tiny_patch14_224", "vit_small_patch16_dinov3",
    ],
)  # fmt: skip
def test_kin_of_known_networks_are_not_taken_for_them(name: str) -> None:
    found = tell(shapes(timm.create_model, name), {})
    if found is not None:  # what is told must take every tensor
        own = build_encoder(found.name, channels=3, size=found.size, **found.options).network.state_dict()
        theirs = shapes(timm.create_model, name)
        assert [k for k in theirs if k not in own and not k.startswith(("head", "fc"))] == []


def test_nothing_known() -> None:
    assert tell({"weight": torch.rand(2, 2)}, {}) is None
    assert tell({}, {}) is None
