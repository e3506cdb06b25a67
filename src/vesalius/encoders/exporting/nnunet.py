"""A checkpoint of nnU-Net's residual encoder U-Net with its adaptation plan: what ``nnUNetv2_train -pretrained_weights`` loads.

nnU-Net reads volumes as z, y, x: kernels, strides, patch and spacing are turned. Its loader asks for a whole U-Net, so that the decoder
is in the file as nnU-Net itself would begin it, without the layers that depend on the classes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.exported import Exported, Reloaded
from vesalius.encoders.layouts.volumes import axes_turned
from vesalius.encoders.loading import load_encoder
from vesalius.encoders.resenc import NAMES
from vesalius.files import atomic_write
from vesalius.random import torch_seed

FILE, PLAN = "checkpoint_final.pth", "adaptation_plan.json"
CLASS = "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet"
_TURN = slice(None, None, -1)


def refusal(card: Card) -> str:
    """Why nnU-Net has no such network."""
    if card.architecture not in NAMES:
        return f"nnU-Net takes {' or '.join(NAMES)} alone"
    if len(card.size) != 3:
        return "nnU-Net's plan here is of volumes, and this network is of images"
    return "nnU-Net does not standardise by a mean and a deviation of the encoder's" if card.mean else ""


def write(encoder: Encoder, out: Path) -> Exported:
    """``checkpoint_final.pth``, plain tensors and the plan, and the plan by itself as ``adaptation_plan.json``."""
    plan = adaptation_plan(encoder)
    content = io.BytesIO()
    torch.save({"network_weights": _unet(encoder, plan), "citations": [], "nnssl_adaptation_plan": plan}, content)
    atomic_write(out / FILE, content.getvalue())
    atomic_write(out / PLAN, json.dumps(plan, indent=2) + "\n")
    code = (
        "import vesalius",
        f'encoder = vesalius.load_encoder("{FILE}")   # and in nnU-Net: nnUNetv2_train ID 3d_fullres FOLD -p PLANS -pretrained_weights {FILE},',
        f"features = encoder(images).pooled              # where PLANS has the architecture of {PLAN}",
    )
    return Exported(FILE, encoder.card.architecture, "vesalius", code, inside=False)


def reload(out: Path, facts: Mapping[str, Any]) -> Reloaded:
    """The checkpoint as we read nnssl's: nnU-Net cannot be installed beside the timm that we need."""
    encoder = load_encoder(out / FILE, min_match=1.0)

    def features(x: Tensor) -> Mapping[str, Tensor]:
        return dict(encoder(x)._asdict())

    return features


def adaptation_plan(encoder: Encoder) -> dict[str, Any]:
    """nnssl's plan: architecture with its arguments, patch and spacing it was trained with, where encoder and stem are."""
    card = encoder.card
    patch = [*reversed(card.size)]
    spacing = None if card.plan is None or card.plan.spacing is None else [*reversed(card.plan.spacing)]
    arguments = _arguments(encoder.network)
    return {
        "architecture_plans": {
            "arch_class_name": CLASS,
            "arch_kwargs": arguments,
            "arch_kwargs_requiring_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
        "pretrain_plan": {"configurations": {"vesalius": {"patch_size": patch, "spacing": spacing}}},
        "pretrain_num_input_channels": card.channels,
        "recommended_downstream_patchsize": patch,
        "key_to_encoder": "encoder.stages",
        "key_to_stem": "encoder.stem",
        "keys_to_in_proj": ["encoder.stem.convs.0.conv", "encoder.stem.convs.0.all_modules.0"],
        "key_to_lpe": None,
    }


def _arguments(network: nn.Module) -> dict[str, Any]:
    """What the U-Net's class is called with, beside channels and classes."""
    stages: Any = network.stages
    firsts = [stage.blocks[0].conv1.conv for stage in stages]
    count = len(firsts)
    return {
        "n_stages": count,
        "features_per_stage": [first.out_channels for first in firsts],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": [list(first.kernel_size[_TURN]) for first in firsts],
        "strides": [list(first.stride[_TURN]) for first in firsts],
        "n_blocks_per_stage": [len(stage.blocks) for stage in stages],
        "n_conv_per_stage_decoder": [1] * (count - 1),
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }


def _unet(encoder: Encoder, plan: Mapping[str, Any]) -> dict[str, Tensor]:
    """Every tensor under every name that nnU-Net has for it."""
    out: dict[str, Tensor] = {}
    for name, tensor in axes_turned(encoder.network.state_dict(), True).items():
        whole = tensor.detach().contiguous().clone()
        out |= {f"{part}{key}": whole for part in ("encoder.", "decoder.encoder.") for key in _twice(name)}
    for name, tensor in _decoder(plan["architecture_plans"]["arch_kwargs"]).items():
        out |= {f"decoder.{key}": tensor for key in _twice(name)}
    return out


def _decoder(arguments: Mapping[str, Any]) -> dict[str, Tensor]:
    """A decoder that has learnt nothing, by the rule nnU-Net begins with (He et al., 2015)."""
    features, strides, kernels = (arguments[key] for key in ("features_per_stage", "strides", "kernel_sizes"))
    out: dict[str, Tensor] = {}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(torch_seed("nnunet", 0))
        for stage in range(1, len(features)):
            below, here, at = features[-stage], features[-stage - 1], stage - 1
            enlarge = nn.init.kaiming_normal_(torch.empty(below, here, *strides[-stage]), a=1e-2)
            mix = nn.init.kaiming_normal_(torch.empty(here, 2 * here, *kernels[-stage - 1]), a=1e-2)
            out |= {f"transpconvs.{at}.weight": enlarge, f"transpconvs.{at}.bias": torch.zeros(here)}
            place = f"stages.{at}.convs.0"
            out |= {f"{place}.conv.weight": mix, f"{place}.conv.bias": torch.zeros(here)}
            out |= {f"{place}.norm.weight": torch.ones(here), f"{place}.norm.bias": torch.zeros(here)}
    return out


def _twice(name: str) -> tuple[str, ...]:
    """``name`` and, for a tensor of a convolution and its norm, the second name they have there."""
    twin = name.replace(".conv.", ".all_modules.0.").replace(".norm.", ".all_modules.1.")
    return (name,) if twin == name else (name, twin)
