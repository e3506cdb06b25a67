"""PIRL on ImageNet (Misra and van der Maaten, CVPR 2020), trained by PyContrast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.encoders.published import Published

if TYPE_CHECKING:
    from torch import Tensor

MODELS = {
    "pirl": Published(
        name="pirl",
        architecture="resnet50",
        url="https://www.dropbox.com/sh/87d24jqsl6ra7t2/AADN4jKnvTI0U5oT6hTmQZz8a/PIRL.pth?dl=1",
        file="PIRL.pth",
        licence="BSD-2-Clause (HobbitLong/PyContrast)",
        trained_on="ImageNet-1k without labels: PIRL, 200 epochs",
        imagenet_top1=61.7,
        by_hand="In a browser open https://www.dropbox.com/sh/87d24jqsl6ra7t2/AABdDXZZBTnMQCBrg1yrQKVCa and take PIRL.pth.",
    )
}


def tensors(path: Path, model: Published) -> dict[str, Tensor]:
    """Under ``model`` the encoder, in ``DistributedDataParallel``; the heads of image and jigsaw stand beside it."""
    from vesalius.encoders.picking import picked

    return picked(path, model, nest="model", prefix="module.encoder.", drop=("fc.", "head"))
