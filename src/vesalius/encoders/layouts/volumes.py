"""Encoders of volumes in checkpoints of others: MONAI's ViT, Swin transformer and SegResNet, nnU-Net's residual encoder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from vesalius.encoders.layouts.told import Architecture, channels_in_words, count_of
from vesalius.encoders.resenc import BLOCKS, FEATURES

DUPLICATE = re.compile(r"\.all_modules\.\d+\.")
"""The second name that nnU-Net's networks give to every tensor."""
_RENAMES = (
    # MONAI's masked autoencoder ends its blocks with the norm; the published Swin weights have timm's names, those of
    # the disruptive autoencoders one list more
    (re.compile(r"^blocks\.\d+\.(weight|bias)$"), r"norm.\1"),
    (re.compile(r"^(layers[1-4]\.0\.)0\.(?=blocks|downsample)"), r"\1"),
    (re.compile(r"^(layers[1-4]\.0\.blocks\.\d+\.mlp)\.fc([12])\."), r"\1.linear\2."),
)


def renamed(name: str, names: Mapping[str, Any]) -> str:
    """``name`` of an encoder of volumes as MONAI has it today; any other as it is."""
    if "patch_embedding.position_embeddings" in names or any(key.startswith("layers1.0.") for key in names):
        for pattern, replacement in _RENAMES:
            name = pattern.sub(replacement, name)
    return name


def axes_turned(tensors: Mapping[str, Tensor], turn: bool) -> dict[str, Tensor]:
    """``tensors`` of nnU-Net, whose volumes have the axes z, y, x, for volumes of x, y, z; as they are without ``turn``."""
    if not turn:
        return dict(tensors)
    return {
        name: tensor.movedim((2, 3, 4), (4, 3, 2)) if tensor.ndim == 5 else tensor for name, tensor in tensors.items()
    }


def tell_volumes(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Architecture | None:
    """The network of ``tensors`` under MONAI's or nnU-Net's names; None where they do not tell.

    ``facts``: ``strides`` of nnU-Net's stages and the patch's ``size``, where the file has a plan.
    """
    if "patch_embedding.position_embeddings" in tensors and "blocks.0.mlp.linear1.weight" in tensors:
        return _vit(tensors)
    if "layers1.0.blocks.0.attn.relative_position_bias_table" in tensors and "patch_embed.proj.weight" in tensors:
        return _swin(tensors)
    if "conv_init.weight" in tensors and "layers.0.blocks.0.conv1.weight" in tensors:
        return _segresnet(tensors)
    if "stem.convs.0.conv.weight" in tensors and "stages.0.blocks.0.conv2.conv.weight" in tensors:
        return _resenc(tensors, facts)
    return None


def _vit(tensors: Mapping[str, Tensor]) -> Architecture | None:
    positions = tensors["patch_embedding.position_embeddings"]
    width, tokens = int(positions.shape[2]), int(positions.shape[1])
    depth, mlp = count_of(tensors, r"blocks\.(\d+)\.mlp\."), int(tensors["blocks.0.mlp.linear1.weight"].shape[0])
    options: dict[str, Any] = {}
    if "patch_embedding.patch_embeddings.weight" in tensors:
        kernel = tensors["patch_embedding.patch_embeddings.weight"]
        channels, patch = int(kernel.shape[1]), tuple(kernel.shape[2:])
    elif "patch_embedding.patch_embeddings.1.weight" in tensors:
        # One channel and a cube: a linear layer does not tell.
        values = int(tensors["patch_embedding.patch_embeddings.1.weight"].shape[1])
        channels, patch = 1, (round(values ** (1 / 3)),) * 3
        options["proj_type"] = "perceptron"
        if patch[0] ** 3 != values:
            return None
    else:
        return None
    side = round(tokens ** (1 / len(patch)))
    if side ** len(patch) != tokens:
        return None
    heads = 12 if width % 12 == 0 else width // 64
    if not heads or width % heads:
        return None
    options |= {
        "hidden_size": width,
        "mlp_dim": mlp,
        "num_layers": depth,
        "num_heads": heads,
        "patch_size": list(patch),
    }
    fixed = _is_sincos(positions, (side,) * len(patch))
    options |= {"pos_embed_type": "sincos"} if fixed else {}
    options |= {"qkv_bias": True} if "blocks.0.attn.qkv.bias" in tensors else {}
    size = tuple(side * part for part in patch)
    words = (
        f"MONAI's ViT, {width} wide, {depth} blocks, MLP of {mlp}, {heads} heads taken for granted, patches of "
        f"{_times(patch)}, {channels_in_words(channels)}, {_times(size)} voxels, {'fixed' if fixed else 'learnt'} positions"
    )
    return Architecture("monai:vit", options, channels, size, words)


def _is_sincos(positions: Tensor, grid: Sequence[int]) -> bool:
    """Whether ``positions`` are MONAI's fixed sines and cosines, whose first cell is all zeros and ones."""
    first = positions[0, 0].float()
    return bool(((first == 0) | (first == 1)).all()) and bool((positions != 0).any()) and grid[0] > 1


def _swin(tensors: Mapping[str, Tensor]) -> Architecture | None:
    kernel = tensors["patch_embed.proj.weight"]
    tables = [tensors.get(f"layers{stage}.0.blocks.0.attn.relative_position_bias_table") for stage in (1, 2, 3, 4)]
    if kernel.ndim != 5 or any(table is None for table in tables):
        return None
    window = (round(int(tables[0].shape[0]) ** (1 / 3)) + 1) // 2  # type: ignore[union-attr]
    width, channels = int(kernel.shape[0]), int(kernel.shape[1])
    depths = [count_of(tensors, rf"layers{stage}\.0\.blocks\.(\d+)\.") for stage in (1, 2, 3, 4)]
    heads = [int(table.shape[1]) for table in tables if table is not None]
    options: dict[str, Any] = {"feature_size": width, "depths": depths, "num_heads": heads, "window_size": window}
    options |= {"patch_norm": True} if "patch_embed.norm.weight" in tensors else {}
    options |= {"use_v2": True} if any(name.startswith("layers1c.") for name in tensors) else {}
    words = f"SwinUNETR's encoder, feature size {width}, {sum(depths)} blocks, windows of {window}, {channels_in_words(channels)}"
    return Architecture("monai:swin_unetr", options, channels, (96, 96, 96), words)


def _segresnet(tensors: Mapping[str, Tensor]) -> Architecture | None:
    kernel = tensors["conv_init.weight"]
    width, channels = int(kernel.shape[0]), int(kernel.shape[1])
    stages = count_of(tensors, r"layers\.(\d+)\.")
    blocks = [count_of(tensors, rf"layers\.{stage}\.blocks\.(\d+)\.") for stage in range(stages)]
    if set(kernel.shape[2:]) != {3} or kernel.ndim != 5:
        return None
    norm = "batch" if "layers.0.blocks.0.norm1.running_mean" in tensors else "instance"
    options = {"init_filters": width, "blocks_down": blocks, "norm": norm}
    said = "batch norm" if norm == "batch" else "instance norm taken for granted"
    words = f"SegResNetDS's encoder, {width} filters, {sum(blocks)} blocks, {said}, {channels_in_words(channels)}"
    return Architecture("monai:segresnet", options, channels, (96, 96, 96), words)


def _resenc(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Architecture | None:
    stages = range(count_of(tensors, r"stages\.(\d+)\."))
    firsts = [tensors.get(f"stages.{stage}.blocks.0.conv2.conv.weight") for stage in stages]
    kernels = [first for first in firsts if first is not None and first.ndim == 5]
    if len(kernels) != len(stages) or "stages.0.blocks.0.conv3.conv.weight" in tensors:
        return None
    features = [int(kernel.shape[0]) for kernel in kernels]
    blocks = [count_of(tensors, rf"stages\.{stage}\.blocks\.(\d+)\.") for stage in stages]
    sides = [list(kernel.shape[2:]) for kernel in kernels]
    strides = facts.get("strides") or [1, *[2] * (len(stages) - 1)]
    options: dict[str, Any] = {} if tuple(features) == FEATURES else {"features": features}
    options |= {} if tuple(blocks) == BLOCKS[: len(blocks)] else {"blocks": blocks}
    options |= {} if all(side == [3, 3, 3] for side in sides) else {"kernels": sides}
    options |= {} if strides == [1, *[2] * (len(stages) - 1)] else {"strides": strides}
    channels = int(tensors["stem.convs.0.conv.weight"].shape[1])
    size = tuple(facts.get("size") or (96, 96, 96))
    planned = "as its plan says" if "strides" in facts else "strides of 2 taken for granted"
    words = f"nnU-Net's residual encoder, {len(stages)} stages, {sum(blocks)} blocks, {planned}, {channels_in_words(channels)}"
    return Architecture("resenc-l", options, channels, size, words)


def planned(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Strides and patch size, in the order x, y, z, from the plan in a checkpoint of nnssl or nnU-Net; else nothing."""
    found: dict[str, Any] = {}
    configuration, architecture = _configuration(settings)
    strides = _lists(architecture.get("strides"))
    if strides:
        found["strides"] = [_short(stride[::-1]) for stride in strides]
    patch = configuration.get("patch_size") or settings.get("recommended_downstream_patchsize")
    if isinstance(patch, list | tuple) and len(patch) == 3 and all(isinstance(side, int) for side in patch):
        found["size"] = tuple(patch[::-1])
    return found


def _configuration(settings: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The configuration a network was trained with and the arguments of its class; empty where there are none."""
    plan = _within(settings, "pretrain_plan") or _within(settings, "plans")
    configurations = _within(plan, "configurations")
    name = settings.get("configuration")
    chosen = name if isinstance(name, str) and name in configurations else next(iter(configurations), "")
    configuration = _within(configurations, chosen)
    arguments = _within(_within(settings, "architecture_plans"), "arch_kwargs")
    return configuration, arguments or _within(_within(configuration, "architecture"), "arch_kwargs")


def _within(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _lists(value: Any) -> list[list[int]]:
    """Three whole numbers for each stage; nothing for anything else."""
    if not isinstance(value, list | tuple):
        return []
    each = [
        [stage] * 3 if isinstance(stage, int) else list(stage) if isinstance(stage, list | tuple) else []
        for stage in value
    ]
    return each if all(len(stage) == 3 and all(isinstance(part, int) for part in stage) for stage in each) else []


def _short(stride: list[int]) -> int | list[int]:
    return stride[0] if len(set(stride)) == 1 else stride


def _times(sides: Sequence[int]) -> str:
    return "×".join(map(str, sides))
