"""torchvision's networks trained with ImageNet's labels (IMAGENET1K_V1), which others are compared with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.encoders.published import Published

if TYPE_CHECKING:
    from torch import Tensor

_PLACE = "https://download.pytorch.org/models/"
_OLD = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")
"""torchvision's names of DenseNet before 0.3, which the published file still has."""


def _model(name: str, architecture: str, digest: str, size: int, top1: float, of_the_original: float, *aliases: str) -> Published:
    file = f"{architecture}-{digest}.pth"
    return Published(
        name=name,
        architecture=architecture,
        url=_PLACE + file,
        file=file,
        sha256=digest,
        bytes=size,
        licence="BSD-3-Clause (torchvision); trained on ImageNet, whose terms ask for non-commercial research",
        trained_on="ImageNet-1k with labels (torchvision IMAGENET1K_V1)",
        imagenet_top1=top1,
        notes=(f"SSL_medicalimaging's correlations took {of_the_original} % for its ImageNet accuracy; torchvision states {top1} %",),
        aliases=aliases,
    )


MODELS = {
    "supervised_r50": _model("supervised_r50", "resnet50", "0676ba61", 102_530_333, 76.13, 77.2, "supervised"),
    "supervised_r18": _model("supervised_r18", "resnet18", "f37072fd", 46_830_571, 69.758, 72.12),
    "supervised_d121": _model("supervised_d121", "densenet121", "a639ec97", 32_342_954, 74.434, 74.98),
}


def tensors(path: Path, model: Published) -> dict[str, Tensor]:
    """The whole network less its classifier."""
    from vesalius.encoders.picking import picked

    found = picked(path, model, nest="", prefix="", drop=("fc.", "classifier."))
    return {_OLD.sub(r"\1\2.", name): tensor for name, tensor in found.items()}
