"""Run by nnU-Net's own Python (see ``nnunet.py``): its network from our adaptation plan, filled by its own loader.

    python -I docs/proofs/nnunet_loads.py FILE FEATURES

``FEATURES`` holds a volume (x, y, z) and the maps that our encoder gave for it. One JSON line is printed.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from importlib import metadata

import torch
from nnunetv2.run.load_pretrained_weights import load_pretrained_weights
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans


def main(file: str, features: str) -> None:
    """Build, load, count, compare."""
    plan = torch.load(file, weights_only=True)["nnssl_adaptation_plan"]
    whole = plan["architecture_plans"]
    network = get_network_from_plans(
        whole["arch_class_name"], whole["arch_kwargs"], whole["arch_kwargs_requiring_import"], plan["pretrain_num_input_channels"], 14,
        deep_supervision=True,
    ).eval()  # fmt: skip
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        load_pretrained_weights(network, file, verbose=True)
    reported = {line.partition(" shape ")[0] for line in printed.getvalue().splitlines() if " shape " in line}
    encoder = [name for name in network.state_dict() if name.startswith(("encoder.stem.", "encoder.stages."))]
    given = torch.load(features, weights_only=True)
    with torch.no_grad():
        maps = network.double().encoder(given["volume"].movedim((2, 3, 4), (4, 3, 2)))
    pairs = [(found.movedim((2, 3, 4), (4, 3, 2)), wanted) for found, wanted in zip(maps, given["maps"], strict=True)]
    line = {
        "name": "nnU-Net loads our export",
        "tensors": len(encoder),
        "reported": sum(name in reported for name in encoder),
        "stem": sum(name in reported for name in encoder if name.startswith("encoder.stem.")),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "difference": max(float((found - wanted).abs().max() / wanted.abs().max()) for found, wanted in pairs),
        "versions": {
            name: metadata.version(name) for name in ("nnunetv2", "dynamic-network-architectures", "timm", "torch")
        },
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main(*sys.argv[1:])
