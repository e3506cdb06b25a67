"""The checkpoint for nnU-Net: its names, its plan, and where its networks are installed, their outputs."""

from __future__ import annotations

import json
import pydoc
from pathlib import Path
from typing import Any

import pytest
import torch

from vesalius.data.plan import Plan
from vesalius.encoders import Encoder, build_encoder, load_encoder
from vesalius.errors import UserError
from vesalius.export import export

THIN: dict[str, Any] = {"features": [8, 16, 24], "blocks": [1, 2, 2], "strides": [1, [2, 2, 1], 2]}


def small() -> Encoder:
    options = {**THIN, "kernels": [[3, 3, 1], [3, 3, 3], [3, 3, 3]]}
    encoder = build_encoder("resenc-l", channels=1, size=(32, 16, 8), **options).eval()
    plan = Plan.model_validate(
        {"modality": "ct", "spacing": (0.8, 0.8, 5), "intensity": {"rule": "window", "low": -175, "high": 250}}
    )
    encoder.card = encoder.card.model_copy(update={"plan": plan})
    with torch.no_grad():
        for tensor in encoder.network.parameters():
            tensor.add_(0.1 * torch.randn(tensor.shape, generator=torch.Generator().manual_seed(1)))
    return encoder


def test_the_file_and_its_plan(tmp_path: Path) -> None:
    encoder = small()
    result = export(encoder, to="nnunet", out=tmp_path / "n", quiet=True)
    content = torch.load(result.file, weights_only=True)
    plan = json.loads((result.path / "adaptation_plan.json").read_text())
    assert content["nnssl_adaptation_plan"] == plan
    arguments = plan["architecture_plans"]["arch_kwargs"]
    assert arguments["strides"] == [[1, 1, 1], [1, 2, 2], [2, 2, 2]], "z, y, x"
    assert arguments["kernel_sizes"][0] == [1, 3, 3]
    assert (arguments["features_per_stage"], arguments["n_blocks_per_stage"]) == ([8, 16, 24], [1, 2, 2])
    assert plan["pretrain_plan"]["configurations"]["vesalius"] == {"patch_size": [8, 16, 32], "spacing": [5, 0.8, 0.8]}
    weights = content["network_weights"]
    own = encoder.network.state_dict()
    assert sum(name.startswith("encoder.") for name in weights) == 2 * len(own), "each under two names"
    kernel = own["stages.1.blocks.0.conv1.conv.weight"]
    for name in ("encoder.{}conv", "encoder.{}all_modules.0", "decoder.encoder.{}conv"):
        given = weights[name.format("stages.1.blocks.0.conv1.") + ".weight"]
        assert torch.equal(given, kernel.permute(0, 1, 4, 3, 2))
    again = load_encoder(result.file)
    x = torch.rand(1, 1, 32, 16, 8)
    torch.testing.assert_close(again.pyramid(x)[1], encoder.pyramid(x)[1])
    assert again.card.size == (32, 16, 8)


def test_the_network_that_the_plan_builds_gives_our_features(tmp_path: Path) -> None:
    """Skipped without that package; `docs/proofs/nnunet.py` installs it, and lets nnU-Net itself load a full-size export."""
    pytest.importorskip("dynamic_network_architectures.architectures.unet")
    encoder = small()
    content = torch.load(export(encoder, to="nnunet", out=tmp_path / "n", quiet=True).file, weights_only=True)
    whole = content["nnssl_adaptation_plan"]["architecture_plans"]
    arguments = dict(whole["arch_kwargs"])
    for name in whole["arch_kwargs_requiring_import"]:
        arguments[name] = None if arguments[name] is None else pydoc.locate(arguments[name])
    kind: Any = pydoc.locate(whole["arch_class_name"])
    network = kind(input_channels=1, num_classes=3, deep_supervision=True, **arguments).eval()
    left = network.load_state_dict(content["network_weights"], strict=False)
    assert not left.unexpected_keys
    assert all(".seg_layers." in name for name in left.missing_keys)
    assert len(left.missing_keys) == 4
    x = torch.rand(1, 1, 32, 16, 8)
    for found, wanted in zip(network.encoder(x.permute(0, 1, 4, 3, 2)), encoder.pyramid(x), strict=True):
        torch.testing.assert_close(found.permute(0, 1, 4, 3, 2), wanted)


@pytest.mark.parametrize(
    ("name", "size", "options", "words"),
    [
        ("monai:segresnet", (16, 16, 16), {"init_filters": 8, "blocks_down": [1, 1]}, "resenc-l alone"),
        ("resenc-l", (16, 16), {"features": [8, 16]}, "of images"),
        ("resenc-l", (16, 16, 16), {"features": [8, 16], "mean": (0.5,), "std": (0.2,)}, "does not standardise"),
    ],
)
def test_what_nnu_net_cannot_take(
    name: str, size: tuple[int, ...], options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=words):
        export(build_encoder(name, channels=1, size=size, **options), to="nnunet", out=tmp_path / "n", quiet=True)
