from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.encoders.exporting.written import checked
from vesalius.data.plan import Plan
from vesalius.encoders import Encoder, build_encoder
from vesalius.encoders.exporting.monai import refusal
from vesalius.errors import UserError
from vesalius.export import export

VIT: dict[str, Any] = {"hidden_size": 24, "mlp_dim": 48, "num_heads": 2}
CT = {"mean": (0.3,), "std": (0.2,)}


def build(name: str, **options: Any) -> Encoder:
    return build_encoder(name, channels=1, size=(32, 32, 32), **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("monai:vit", {**VIT, "num_layers": 2, **CT}),
        ("monai:vit", {**VIT, "num_layers": 1, "pos_embed_type": "sincos", "qkv_bias": True, "patch_size": [16, 8, 8]}),
        ("monai:swin_unetr", {"feature_size": 12, "depths": [1, 1, 1, 1], "window_size": 4}),
        ("monai:segresnet", {"init_filters": 8, "blocks_down": [1, 1], "norm": "group", **CT}),
    ],
)
def test_monai_gives_our_features(
    name: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked(build(name, **options), "monai", tmp_path, monkeypatch)


def test_unetr_and_the_autoencoder_take_the_file(tmp_path: Path) -> None:
    from monai.networks.nets import UNETR, ViTAutoEnc

    encoder = build("monai:vit", **{**VIT, "num_heads": 12})
    plan = Plan.model_validate(
        {"modality": "ct", "spacing": (2, 2, 2), "intensity": {"rule": "window", "low": -57, "high": 164}}
    )
    encoder.card = encoder.card.model_copy(update={"plan": plan})
    result = export(encoder, to="monai", out=tmp_path / "x", quiet=True)
    tensors = torch.load(result.file, weights_only=True)
    assert len(tensors) == 161
    sizes: dict[str, Any] = {"img_size": (32, 32, 32), "hidden_size": 24, "mlp_dim": 48}
    UNETR(1, 3, feature_size=4, **sizes).vit.load_state_dict(tensors)
    left = ViTAutoEnc(1, patch_size=(16, 16, 16), **sizes).load_state_dict(tensors, strict=False)
    assert not left.unexpected_keys
    assert left.missing_keys == [f"conv3d_transpose{part}.{kind}" for part in ("", "_1") for kind in ("weight", "bias")]
    page = (result.path / "README.md").read_text()
    assert "axes turned to RAS; resampled to 2×2×2 mm; values from -57 to 0 and 164 to 1, clipped (HU)" in page
    assert "UNETR(..., hidden_size=24, mlp_dim=48, num_heads=12).vit" in page
    assert result.facts["input"]["plan"]["spacing"] == [2.0, 2.0, 2.0]


def test_other_targets_refuse_volumes_by_name(tmp_path: Path) -> None:
    assert "no network of the name resnet18" in refusal(build_encoder("resnet18", width=0.125).card)
    encoder = build("monai:segresnet", init_filters=8, blocks_down=[1, 1])
    for target in ("timm", "torchvision", "hf"):
        with pytest.raises(UserError, match=r"no network of the name monai:segresnet.*--to monai, onnx, safetensors"):
            export(encoder, to=target, out=tmp_path / target, quiet=True)
    with pytest.raises(UserError, match=r"3 dimensions.*--to onnx, safetensors"):
        export(
            build_encoder("resnet18", channels=1, size=(16, 16, 16), width=0.125),
            to="timm",
            out=tmp_path / "t",
            quiet=True,
        )
