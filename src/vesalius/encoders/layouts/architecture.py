"""Which network an encoder's tensors belong to, as far as their names and shapes tell."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vesalius.encoders.layouts.told import Architecture, channels_in_words, count_of
from vesalius.encoders.layouts.volumes import tell_volumes
from vesalius.encoders.resnet import DEPTHS

_DEEPER: dict[tuple[bool, tuple[int, ...]], str] = {(True, (3, 8, 36, 3)): "resnet152"}
_WIDER: dict[tuple[tuple[int, ...], int, int], str] = {
    ((3, 4, 6, 3), 128, 128): "wide_resnet50_2",
    ((3, 4, 23, 3), 128, 128): "wide_resnet101_2",
    ((3, 4, 6, 3), 128, 4): "resnext50_32x4d",
    ((3, 4, 23, 3), 256, 8): "resnext101_32x8d",
    ((3, 4, 23, 3), 256, 4): "resnext101_64x4d",
}
"""Stages, and outputs and inputs of the first block's 3×3 convolution -> torchvision's name."""
_DENSENETS: dict[tuple[int, ...], str] = {
    (6, 12, 32, 32): "densenet169",
    (6, 12, 48, 32): "densenet201",
    (6, 12, 36, 24): "densenet161",
}
_NORM = r"\.(weight|bias|running_mean|running_var|num_batches_tracked)"
_RESNET_BLOCK = re.compile(
    rf"layer\d+\.\d+\.(conv[123]\.weight|bn[123]{_NORM}|downsample\.0\.weight|downsample\.1{_NORM})$"
)
_DENSE_BLOCK = re.compile(
    rf"features\.(denseblock\d+\.denselayer\d+|transition\d+)\.(conv[12]?\.weight|norm[12]?{_NORM})$"
)
_VIT_BLOCK = re.compile(r"blocks\.\d+\.((norm[12]|attn\.qkv|attn\.proj|mlp\.fc[12])\.(weight|bias)|ls[12]\.gamma)$")
"""All that the blocks of each kind may hold: with more, a network is another (squeeze and excite, relative positions)."""
_VITS = {(192, 12): "tiny", (384, 12): "small", (768, 12): "base", (1024, 24): "large", (1280, 32): "huge"}


def tell(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Architecture | None:
    """The network of ``tensors`` under torchvision's, timm's, MONAI's or nnU-Net's names; None where they do not tell.

    ``facts``: ``stem`` and ``final_relu`` where the checkpoint's family implies them.
    """
    if "conv1.weight" in tensors and "layer4.0.conv1.weight" in tensors:
        return _resnet(tensors, facts)
    if "features.conv0.weight" in tensors and "features.denseblock1.denselayer1.conv2.weight" in tensors:
        return _densenet(tensors, facts)
    if "patch_embed.proj.weight" in tensors and "blocks.0.attn.qkv.weight" in tensors:
        return _vit(tensors)
    return tell_volumes(tensors, facts)


def _only(tensors: Mapping[str, Tensor], stages: str, known: re.Pattern[str]) -> bool:
    return all(known.match(name) for name in tensors if re.match(stages, name))


def _stem(kernel: tuple[int, ...], facts: Mapping[str, Any]) -> tuple[str, str] | None:
    """Name and words of the stem of a first convolution of ``kernel`` pixels; whether it pools no tensor tells."""
    if set(kernel) == {7}:
        return "standard", "7×7 stem"
    if set(kernel) != {3}:
        return None
    stem = facts.get("stem", "small")
    pools = "with max-pool, as InnerEye has it" if stem == "innereye" else "no max-pool (the file does not tell)"
    return stem, f"3×3 stem, {'as lightly has it' if stem == 'lightly' else pools}"


def _resnet(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Architecture | None:
    first = tensors["conv1.weight"]
    base, channels, kernel = first.shape[0], first.shape[1], tuple(first.shape[2:])
    stages = tuple(count_of(tensors, rf"layer{i}\.(\d+)\.") for i in (1, 2, 3, 4))
    bottleneck = "layer1.0.conv3.weight" in tensors
    inner = tensors["layer1.0.conv2.weight"].shape if "layer1.0.conv2.weight" in tensors else (0, 0)
    stem = _stem(kernel, facts)
    if stem is None or not _only(tensors, r"layer\d+\.\d", _RESNET_BLOCK):
        return None
    dims = len(kernel)
    size = ((224 if stem[0] == "standard" else 32) if dims == 2 else (64 if stem[0] == "standard" else 32),) * dims
    name = next((n for n, (b, d) in DEPTHS.items() if (b, d) == (bottleneck, stages)), None)
    if name is not None and tuple(inner[:2]) == (base, base):
        options: dict[str, Any] = {"stem": stem[0]} | ({"width": base / 64} if base != 64 else {})
        wide = f", width {base / 64:g}" if base != 64 else ""
        return Architecture(name, options, channels, size, f"{name}, {stem[1]}{wide}, {channels_in_words(channels)}")
    peer = _WIDER.get((stages, int(inner[0]), int(inner[1]))) or _DEEPER.get((bottleneck, stages))
    if peer is None or stem[0] != "standard" or dims != 2:
        return None
    return Architecture(f"torchvision:{peer}", {}, channels, size, f"{peer}, {stem[1]}, {channels_in_words(channels)}")


def _densenet(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Architecture | None:
    first = tensors["features.conv0.weight"]
    blocks = tuple(count_of(tensors, rf"features\.denseblock{i}\.denselayer(\d+)\.") for i in (1, 2, 3, 4))
    growth = tensors["features.denseblock1.denselayer1.conv2.weight"].shape[0]
    stem = _stem(tuple(first.shape[2:]), facts)
    if stem is None or not _only(tensors, r"features\.(denseblock|transition)", _DENSE_BLOCK):
        return None
    channels, size = first.shape[1], (224, 224) if stem[0] == "standard" else (32, 32)
    if blocks == (6, 12, 24, 16) and first.shape[0] == 2 * growth:
        relu = bool(facts.get("final_relu", True))
        options = (
            {"stem": stem[0]}
            | ({"width": growth / 32} if growth != 32 else {})
            | ({} if relu else {"final_relu": False})
        )
        last = "" if relu else ", without a last ReLU"
        return Architecture(
            "densenet121", options, channels, size, f"densenet121, {stem[1]}{last}, {channels_in_words(channels)}"
        )
    peer = _DENSENETS.get(blocks)
    if peer is None or stem[0] != "standard":
        return None
    return Architecture(f"torchvision:{peer}", {}, channels, size, f"{peer}, {stem[1]}, {channels_in_words(channels)}")


def _vit(tensors: Mapping[str, Tensor]) -> Architecture | None:
    """A ViT of timm: width, depth and patch by shape, the rest by which tensors there are. Heads are 64 wide."""
    import timm

    first = tensors["patch_embed.proj.weight"]
    if (
        first.ndim != 4
        or first.shape[2] != first.shape[3]
        or "pos_embed" not in tensors
        or tensors["pos_embed"].ndim != 3
    ):
        return None
    width, channels, patch = int(first.shape[0]), int(first.shape[1]), int(first.shape[2])
    depth = count_of(tensors, r"blocks\.(\d+)\.")
    hidden = tensors["blocks.0.mlp.fc1.weight"].shape[0] if "blocks.0.mlp.fc1.weight" in tensors else 0
    if hidden != 4 * width or "dist_token" in tensors or not _only(tensors, r"blocks\.", _VIT_BLOCK):
        return None
    kind = _VITS.get((width, depth))
    scaled, registers = "blocks.0.ls1.gamma" in tensors, tensors["reg_token"].shape[1] if "reg_token" in tensors else 0
    tail = ("_reg4_dinov2" if registers == 4 else "_dinov2") if scaled else "_224"
    name = f"vit_{kind}_patch{patch}{tail}"
    options: dict[str, Any] = {}
    if kind is None or not timm.is_model(name) or registers not in (0, 4):
        if kind is None and width % 64:
            return None
        name = f"vit_{kind or 'small'}_patch16_224"
        options = {} if patch == 16 else {"patch_size": patch}
        options |= {} if kind else {"embed_dim": width, "depth": depth, "num_heads": width // 64}
        options |= {"init_values": 1e-5} if scaled else {}
        options |= {"reg_tokens": registers, "no_embed_class": True} if registers else {}
    options |= _vit_details(tensors)
    side = math.isqrt(tensors["pos_embed"].shape[1])  # a class token more makes no next square
    words = f"ViT {width} wide, {depth} blocks, patches of {patch}, {channels_in_words(channels)}, {side * patch} pixels a side"
    return Architecture(f"timm:{name}", options, channels, (side * patch,) * 2, words)


def _vit_details(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    positions = tensors["pos_embed"].shape[1]
    if "cls_token" not in tensors:
        found |= {"class_token": False, "global_pool": "avg"}
    elif math.isqrt(positions) ** 2 == positions and "reg_token" not in tensors:
        found["no_embed_class"] = True
    if "fc_norm.weight" in tensors:
        found["global_pool"] = "avg"
    if "norm_pre.weight" in tensors:
        found["pre_norm"] = True
    if "blocks.0.attn.qkv.bias" not in tensors:
        found["qkv_bias"] = False
    return found
