"""Encoder and decoder together are MONAI's own network: the same names, the same numbers; and they come back from disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from vesalius.data.task import TaskSpec
from vesalius.encoders import build_encoder
from vesalius.errors import UserError
from vesalius.tasks.segmenter import FACTS, WEIGHTS, Segmenter

TASK = TaskSpec("tissue", "segmentation", (), ("background", "one", "two"))
VIT: dict[str, Any] = {"hidden_size": 24, "mlp_dim": 32, "num_heads": 3}


def small(name: str, *size: int, **options: Any) -> Segmenter:
    encoder = build_encoder(name, channels=1, size=size, seed=1, **options)
    fields = {"feature_size": 4} if name == "monai:vit" else {}
    return Segmenter.build(encoder, TASK, seed=2, **fields)


def theirs(name: str) -> nn.Module:
    from monai.networks.nets.segresnet_ds import SegResNetDS
    from monai.networks.nets.swin_unetr import SwinUNETR
    from monai.networks.nets.unetr import UNETR

    if name == "monai:vit":
        return UNETR(1, 3, (32, 32, 32), feature_size=4, hidden_size=24, mlp_dim=32, num_heads=3, proj_type="conv")
    if name == "monai:swin_unetr":
        return SwinUNETR(1, 3, feature_size=12)
    return SegResNetDS(init_filters=4, out_channels=3, norm="instance", blocks_down=(1, 2, 2))


OPTIONS: dict[str, dict[str, Any]] = {
    "monai:vit": VIT,
    "monai:swin_unetr": {"feature_size": 12},
    "monai:segresnet": {"init_filters": 4, "blocks_down": [1, 2, 2]},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_it_is_monai_s_network(name: str) -> None:
    size = (64, 32, 32) if name == "monai:swin_unetr" else (32, 32, 32)
    ours, peer = small(name, *size, **OPTIONS[name]).eval(), theirs(name).eval()
    peer.load_state_dict(ours.monai_state_dict(), strict=True)
    x = torch.randn(1, 1, *size)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), peer(x), rtol=1e-4, atol=1e-5)


def test_nnu_net_s_decoder_on_the_residual_encoder() -> None:
    """Names as in dynamic-network-architectures; strides that differ by axis; full size again; every parameter learns."""
    encoder = build_encoder("resenc-l", channels=1, size=(16, 16, 8), features=[4, 8, 12], blocks=[1, 1, 1], strides=[[1, 1, 1], [2, 2, 1], [2, 2, 2]])
    model = Segmenter.build(encoder, TASK)
    assert model.name == "unet"
    logits = model(torch.randn(2, 1, 16, 16, 8))
    assert logits.shape == (2, 3, 16, 16, 8)
    logits.square().mean().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    names = set(model.monai_state_dict())
    wanted = {"transpconvs.0.weight", "stages.0.convs.0.conv.weight", "stages.1.convs.0.norm.bias", "seg_layers.1.weight"}
    assert {f"decoder.{name}" for name in wanted} <= names
    assert any(name.startswith("encoder.stages.0.blocks.0.conv1.conv") for name in names)


def test_save_and_load(tmp_path: Path) -> None:
    model = small("monai:segresnet", 16, 16, 16, init_filters=4, blocks_down=[1, 1]).eval()
    model.save(tmp_path)
    again = Segmenter.load(tmp_path)
    x = torch.randn(1, 1, 16, 16, 16)
    with torch.no_grad():
        assert torch.equal(model(x), again(x))
    assert again.task == TASK
    assert again.name == "segresnet"
    assert not again.training
    assert not list(tmp_path.glob("*.pt"))
    assert not list(tmp_path.glob("*.pkl"))


def test_what_is_no_segmenter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no segmenter"):
        Segmenter.load(tmp_path)
    small("monai:segresnet", 16, 16, 16, init_filters=4, blocks_down=[1, 1]).save(tmp_path)
    (tmp_path / FACTS).write_text("{}")
    with pytest.raises(UserError, match="is not what `vesalius finetune` writes"):
        Segmenter.load(tmp_path)
    assert (tmp_path / WEIGHTS).is_file()


def test_a_decoder_that_does_not_fit_says_why() -> None:
    encoder = build_encoder("monai:vit", channels=1, size=(16, 16, 16), patch_size=8, **VIT)
    with pytest.raises(UserError, match="No decoder fits the encoder monai:vit"):
        Segmenter.build(encoder, TASK)
    with pytest.raises(UserError, match="needs patches of 16 voxels and these are of 8×8×8"):
        Segmenter.build(encoder, TASK, "unetr")
    with pytest.raises(UserError, match="feature_size"):
        Segmenter.build(build_encoder("monai:vit", channels=1, size=(16, 16, 16), **VIT), TASK, "unetr", feature_size=0)


def test_the_decoder_s_weights_are_a_function_of_its_seed() -> None:
    states = [small("monai:vit", 16, 16, 16, **VIT).decoder.state_dict() for _ in range(2)]
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])
