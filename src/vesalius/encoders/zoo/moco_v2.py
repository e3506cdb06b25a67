"""MoCo v2, 800 epochs on ImageNet (Chen et al., "Improved baselines with momentum contrastive learning", 2020)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.encoders.published import Published

if TYPE_CHECKING:
    from torch import Tensor

MODELS = {
    "moco-v2": Published(
        name="moco-v2",
        architecture="resnet50",
        url="https://dl.fbaipublicfiles.com/moco/moco_checkpoints/moco_v2_800ep/moco_v2_800ep_pretrain.pth.tar",
        file="moco_v2_800ep_pretrain.pth.tar",
        md5="a04e12f8",
        licence="CC-BY-NC 4.0 (facebookresearch/moco)",
        trained_on="ImageNet-1k without labels: MoCo v2, 800 epochs",
        imagenet_top1=71.1,
    )
}


def tensors(path: Path, model: Published) -> dict[str, Tensor]:
    """Under ``state_dict`` the query encoder, in ``DistributedDataParallel``; its two-layer head is left out."""
    from vesalius.encoders.picking import picked

    return picked(path, model, nest="state_dict", prefix="module.encoder_q.", drop=("fc.",))
