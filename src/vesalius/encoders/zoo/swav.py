"""SwAV, 800 epochs on ImageNet with multi-crop (Caron et al., NeurIPS 2020)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.encoders.published import Published

if TYPE_CHECKING:
    from torch import Tensor

MODELS = {
    "swav": Published(
        name="swav",
        architecture="resnet50",
        url="https://dl.fbaipublicfiles.com/deepcluster/swav_800ep_pretrain.pth.tar",
        file="swav_800ep_pretrain.pth.tar",
        licence="CC-BY-NC 4.0 (facebookresearch/swav)",
        trained_on="ImageNet-1k without labels: SwAV, 800 epochs",
        imagenet_top1=75.3,
    )
}


def tensors(path: Path, model: Published) -> dict[str, Tensor]:
    """The network's state itself, in ``DistributedDataParallel``, less projection head and prototypes."""
    from vesalius.encoders.picking import picked

    return picked(path, model, nest="", prefix="module.", drop=("projection_head.", "prototypes."))
