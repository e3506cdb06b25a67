"""Names of an encoder's tensors as others write them, turned into torchvision's (ResNet, DenseNet), timm's (ViT) or MONAI's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vesalius.encoders.layouts.volumes import renamed

_RENAMES = (
    # InnerEye's DenseNet; a DenseNet of which only `features` was kept; torchvision's before 0.3
    (re.compile(r"^densenet_features\."), "features."),
    (re.compile(r"^(?=(conv0|norm0|norm5)\.|denseblock\d|transition\d)"), "features."),
    (re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\."), r"\1\2."),
    # lightly's ResNet for small images
    (re.compile(r"^(layer\d+\.\d+)\.shortcut\."), r"\1.downsample."),
    # DINOv2: blocks in chunks, register tokens, SwiGLU
    (re.compile(r"^blocks\.\d+\.(\d+\.)"), r"blocks.\1"),
    (re.compile(r"^register_tokens$"), "reg_token"),
)
_TORCHVISION_VIT = (
    (re.compile(r"^class_token$"), "cls_token"),
    (re.compile(r"^conv_proj\."), "patch_embed.proj."),
    (re.compile(r"^encoder\.pos_embedding$"), "pos_embed"),
    (re.compile(r"^encoder\.ln\."), "norm."),
    (re.compile(r"^encoder\.layers\.encoder_layer_(\d+)\."), r"blocks.\1."),
    (re.compile(r"\.ln_([12])\."), r".norm\1."),
    (re.compile(r"\.self_attention\.in_proj_"), ".attn.qkv."),
    (re.compile(r"\.self_attention\.out_proj\."), ".attn.proj."),
    (re.compile(r"\.mlp\.(?:0|linear_1)\."), ".mlp.fc1."),
    (re.compile(r"\.mlp\.(?:3|linear_2)\."), ".mlp.fc2."),
)


def translate(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str], dict[str, Any]]:
    """``tensors`` of one encoder under torchvision's or timm's names; each new name's old one; and facts about the
    network that no tensor tells: ``stem``, and ``mean`` and ``std`` where it began with a batch-norm of its input.
    """
    facts: dict[str, Any] = {}
    names = {name: name for name in tensors}
    if any(re.match(r"\d+\.0\.conv1\.weight$", name) for name in tensors):
        names, facts = _from_sequence(tensors)
    renames = (*_RENAMES, *(_TORCHVISION_VIT if "conv_proj.weight" in tensors else ()))
    out, old = dict[str, Tensor](), dict[str, str]()
    for name, tensor in tensors.items():
        new = names[name]
        for pattern, replacement in renames:
            new = pattern.sub(replacement, new)
        new = renamed(new, tensors)
        out[new], old[new] = tensor, name
    if "reg_token" in out and {"cls_token", "pos_embed"} <= out.keys():
        _move_class_position(out)
    return out, old, facts


def _move_class_position(out: dict[str, Tensor]) -> None:
    """DINOv2 adds a position to its class token; timm's networks with registers hold it inside the token."""
    positions = out["pos_embed"]
    if round((positions.shape[1] - 1) ** 0.5) ** 2 == positions.shape[1] - 1:
        out["cls_token"] = out["cls_token"] + positions[:, :1]
        out["pos_embed"] = positions[:, 1:]


def _from_sequence(tensors: Mapping[str, Tensor]) -> tuple[dict[str, str], dict[str, Any]]:
    """``nn.Sequential(*list(resnet.children())[:-1])``: ``0.weight``, ``1.bias``, ``4.0.conv1.weight`` by their order.

    What lightly's own ResNet lacks in this form is the ReLU after the first norm (it is a function there, not a child):
    then no number is left out between the norm and the first stage. A batch-norm before the first convolution is what
    the Lightly Worker standardises with.
    """
    stages = sorted({int(m[1]) for name in tensors if (m := re.match(r"(\d+)\.0\.conv1\.weight$", name))})
    before = sorted({int(m[1]) for name in tensors if (m := re.match(r"(\d+)\.", name)) and int(m[1]) < stages[0]})
    convolution = next((i for i in before if f"{i}.weight" in tensors and tensors[f"{i}.weight"].ndim >= 4), None)
    roles = {stage: f"layer{number}" for number, stage in enumerate(stages, 1)}
    facts: dict[str, Any] = {}
    if convolution is not None:
        roles[convolution] = "conv1"
        norm = next((i for i in before if i > convolution), None)
        if norm is not None:
            roles[norm] = "bn1"
            if stages[0] == norm + 1:
                facts["stem"] = "lightly"
        first = next((i for i in before if i < convolution and f"{i}.running_mean" in tensors), None)
        if first is not None:
            facts |= _standardisation(tensors, first)
    names = {}
    for name in tensors:
        number, dot, rest = name.partition(".")
        role = roles.get(int(number)) if number.isdigit() else None
        names[name] = name if role is None else f"{role}{dot}{rest}"
    return names, facts


def _standardisation(tensors: Mapping[str, Tensor], at: int) -> dict[str, Any]:
    """The batch-norm ``at`` in evaluation, y = (x - m) w / s + b, as a mean and a deviation: y = (x - mean) / std."""
    mean, variance = tensors[f"{at}.running_mean"].double(), tensors[f"{at}.running_var"].double()
    scale = tensors.get(f"{at}.weight", torch.ones_like(mean)).double()
    shift = tensors.get(f"{at}.bias", torch.zeros_like(mean)).double()
    std = (variance + 1e-5).sqrt() / scale
    if not bool((std > 0).all()):
        return {}
    return {"mean": tuple((mean - shift * std).tolist()), "std": tuple(std.tolist())}
