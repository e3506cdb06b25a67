"""Depths: every parameter has one, they are 0, 1, ... and never fall along the forward pass."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vesalius.encoders import Encoder, build_encoder
from vesalius.encoders.depth import layer_of
from vesalius.encoders.probing import untouched

VIT = {"depth": 3, "embed_dim": 24, "num_heads": 2, "patch_size": 8}
NETWORKS: list[tuple[str, dict[str, Any], int, int]] = [
    # name, options, side, depths: the stem or the embeddings, then blocks
    ("resnet18", {"width": 0.125}, 32, 9),
    ("resnet50", {"width": 0.125}, 32, 17),
    ("densenet121", {"width": 0.125}, 32, 8),
    ("timm:resnet18", {}, 64, 9),
    ("timm:densenet121", {}, 64, 59),
    ("timm:efficientnet_lite0", {}, 64, 17),
    ("timm:mobilenetv3_small_050", {}, 64, 13),
    ("timm:convnext_atto", {}, 64, 13),
    ("timm:vit_tiny_patch16_224", VIT, 32, 4),
    ("timm:vit_small_patch14_reg4_dinov2", VIT, 32, 4),
    ("timm:vit_small_patch16_dinov3", VIT, 32, 4),
    ("timm:eva02_tiny_patch14_224", VIT, 32, 4),
    ("timm:beit_base_patch16_224", VIT, 32, 4),
    ("timm:swin_tiny_patch4_window7_224", {"depths": (1, 1, 2, 1), "embed_dim": 12}, 64, 6),
    ("torchvision:resnet18", {}, 64, 9),
    ("torchvision:vit_b_32", {}, 64, 13),
    ("torchvision:convnext_tiny", {}, 64, 22),
    ("torchvision:mobilenet_v3_small", {}, 64, 14),
    ("examples/my_encoder.py:build", {"width": 4}, 32, 4),
]


def calls(encoder: Encoder, side: int) -> list[str]:
    """Names of the modules that own parameters, in the order a forward calls them."""
    names, handles = list[str](), []
    for name, module in encoder.network.named_modules():
        if any(True for _ in module.parameters(recurse=False)):
            handles.append(module.register_forward_pre_hook(lambda *_, name=name: names.append(name)))
    with untouched(encoder):
        encoder(torch.rand(1, 3, side, side))
    for handle in handles:
        handle.remove()
    return names


@pytest.mark.parametrize(("name", "options", "side", "count"), NETWORKS)
def test_every_parameter_has_one_depth_that_never_falls(name: str, options: dict[str, Any], side: int, count: int) -> None:
    encoder = build_encoder(name, size=(side, side), **options)
    depths, layers = layer_of(encoder)
    assert set(depths) == {parameter for parameter, _ in encoder.network.named_parameters()}
    assert layers == count
    assert set(depths.values()) == set(range(layers))
    along = []
    for module in calls(encoder, side):
        own = dict(encoder.network.get_submodule(module).named_parameters(recurse=False)) if module else {}
        along += [{depths[f"{module}.{parameter}"] for parameter in own}] if own else []
    assert all(len(found) == 1 for found in along), "the parameters of one module learn alike"
    order = [found.pop() for found in along]
    assert order == sorted(order)
    assert (order[0], order[-1]) == (0, layers - 1)


@pytest.mark.parametrize("name", ["vit_small_patch14_reg4_dinov2", "vit_small_patch16_dinov3", "vit_tiny_patch16_224"])
def test_embeddings_and_tokens_are_at_0_and_the_last_norm_with_the_last_block(name: str) -> None:
    depths, layers = layer_of(build_encoder(f"timm:{name}", size=(32, 32), **VIT))
    embeddings = [key for key in depths if not key.startswith(("blocks.", "norm."))]
    assert {"cls_token", "mask_token", "patch_embed.proj.weight"} <= set(embeddings)
    assert ("reg_token" in embeddings) == ("reg4" in name or "dinov3" in name)
    assert {depths[key] for key in embeddings} == {0}
    assert all(depths[key] == int(key.split(".")[1]) + 1 for key in depths if key.startswith("blocks."))
    assert depths["norm.weight"] == layers - 1


def test_our_resnet_is_divided_as_timm_divides_its_own() -> None:
    ours, theirs = (layer_of(build_encoder(name, size=(64, 64)))[0] for name in ("resnet50", "timm:resnet50"))
    assert {key: ours[key] for key in sorted(ours)} == {key: theirs[key] for key in sorted(theirs)}


def test_a_dense_block_and_a_transition_are_a_layer_each() -> None:
    depths, _ = layer_of(build_encoder("densenet121", width=0.125))
    by_part: dict[str, set[int]] = {}
    for key, depth in depths.items():
        by_part.setdefault(key.split(".")[1], set()).add(depth)
    assert by_part == {
        "conv0": {0}, "norm0": {0}, "denseblock1": {1}, "transition1": {2}, "denseblock2": {3}, "transition2": {4},
        "denseblock3": {5}, "transition3": {6}, "denseblock4": {7}, "norm5": {7},
    }  # fmt: skip


def of(network: nn.Module) -> tuple[dict[str, int], int]:
    return layer_of(Encoder(network))


class Own(nn.Module):
    """A position, a stem, a list of blocks, a norm: as people write them."""

    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(1, 4, 4))
        self.stem = nn.Conv2d(3, 4, 1)
        self.blocks = nn.ModuleList([nn.TransformerEncoderLayer(4, 2, 8) for _ in range(3)])
        self.norm = nn.LayerNorm(4)

    def forward(self, x: Tensor) -> Tensor:
        """Not called here."""
        return x


def test_a_network_of_the_users_by_the_order_of_its_children() -> None:
    depths, layers = of(Own())
    assert layers == 4
    assert (depths["position"], depths["stem.weight"], depths["stem.bias"]) == (0, 0, 0)
    assert [depths[f"blocks.{i}.linear1.weight"] for i in range(3)] == [1, 2, 3]
    assert depths["norm.weight"] == 3


def test_a_wrapper_is_looked_through_and_shared_weights_count_once() -> None:
    assert of(nn.Sequential(Own()))[1] == 4
    outer = Own()
    outer.norm = outer.stem  # type: ignore[assignment]
    assert of(outer)[0]["stem.weight"] == 0

    class Wrapper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Own()

    class Stages(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stages = nn.ModuleList([Own(), Own()])

    assert of(Wrapper())[1] == 4
    assert of(Stages())[1] == 2, "an item of a list is a layer, whatever is in it"


def test_small_things() -> None:
    assert of(nn.Conv2d(1, 2, 3)) == ({"weight": 0, "bias": 0}, 1)
    assert of(nn.Identity()) == ({}, 1)
    flat = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2))
    assert of(flat)[0] == {
        "0.weight": 0, "0.bias": 0, "1.weight": 0, "1.bias": 0, "3.weight": 1, "3.bias": 1, "4.weight": 1, "4.bias": 1
    }  # fmt: skip
