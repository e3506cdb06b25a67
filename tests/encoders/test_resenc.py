"""nnU-Net's residual encoder: its counts, its stages, and its numbers beside the package it comes from."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from vesalius.encoders import Encoder, build_encoder, load_encoder, save_encoder
from vesalius.encoders.depth import layer_of
from vesalius.errors import UserError

SMALL: dict[str, Any] = {"features": [8, 16, 24], "blocks": [1, 2, 2]}
THIN: dict[str, Any] = {**SMALL, "strides": [1, [2, 2, 1], 2], "kernels": [[3, 3, 1], [3, 3, 3], [3, 3, 3]]}


def build(options: dict[str, Any], size: tuple[int, ...] = (16, 16, 16)) -> Encoder:
    return build_encoder("resenc-l", channels=1, size=size, **options)


def test_the_large_encoder_has_the_counts_of_nnu_nets() -> None:
    with torch.device("meta"):
        from vesalius.encoders.resenc import BLOCKS, FEATURES, ResidualEncoder

        network = ResidualEncoder(1, 3, FEATURES, BLOCKS, [(1,) * 3, *[(2,) * 3] * 5], [(3,) * 3] * 6)
    assert sum(p.numel() for p in network.parameters()) == 90_296_576
    assert len(network.state_dict()) == 224
    assert {
        "stem.convs.0.conv.weight",
        "stages.5.blocks.5.conv2.norm.bias",
        "stages.1.blocks.0.skip.1.conv.weight",
    } <= set(network.state_dict())


@pytest.mark.parametrize("options", [SMALL, THIN])
def test_stages_gradients_depths_and_files(options: dict[str, Any], tmp_path: Any) -> None:
    encoder = build(options)
    x = torch.rand(2, 1, 16, 16, 16)
    maps = encoder.pyramid(x)
    last = (8, 8, 8) if options is SMALL else (8, 8, 16)
    assert [tuple(m.shape[1:]) for m in maps] == [(8, 16, 16, 16), (16, *last), (24, *(side // 2 for side in last))]
    encoding = encoder(x)
    torch.testing.assert_close(encoding.map, maps[-1])
    encoding.pooled.square().sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())
    assert layer_of(encoder)[1] == 1 + sum(options["blocks"])
    save_encoder(encoder, tmp_path)
    assert torch.equal(load_encoder(tmp_path, min_match=1.0).pyramid(x)[-1], encoder.eval().pyramid(x)[-1])


def test_a_new_block_is_its_shortcut() -> None:
    block: Any = build(SMALL).network.get_submodule("stages.2.blocks.1")
    x = torch.randn(1, 24, 4, 4, 4)
    torch.testing.assert_close(block(x), nn.functional.leaky_relu(x))


@pytest.mark.parametrize("options", [SMALL, THIN])
def test_its_numbers_are_those_of_dynamic_network_architectures(options: dict[str, Any]) -> None:
    """Skipped without that package; `docs/proofs/issue_5.py` installs it, without its requirements, and runs this."""
    unet = pytest.importorskip("dynamic_network_architectures.architectures.unet")
    encoder = build(options).eval()
    torch.manual_seed(0)
    theirs = unet.ResidualEncoderUNet(
        1, 3, options["features"], nn.Conv3d, options.get("kernels", 3), options.get("strides", [1, 2, 2]), options["blocks"], 2, [1, 1],
        conv_bias=True, norm_op=nn.InstanceNorm3d, norm_op_kwargs={"eps": 1e-5, "affine": True}, nonlin=nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
    ).encoder.eval()  # fmt: skip
    with torch.no_grad():
        for tensor in theirs.parameters():
            tensor.copy_(torch.randn_like(tensor) * 0.3)
    ours = encoder.network.state_dict()
    given = {name: tensor for name, tensor in theirs.state_dict().items() if ".all_modules." not in name}
    assert ours.keys() == given.keys()
    encoder.network.load_state_dict(given)
    x = torch.rand(2, 1, 16, 16, 16)
    for found, wanted in zip(encoder.pyramid(x), theirs(x), strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize(
    ("options", "size", "words"),
    [
        ({}, (48, 48, 48), "fewer stages"),
        ({}, (32, 32, 32), "one voxel"),
        ({"features": [8, 16], "blocks": [1]}, (16, 16, 16), "every stage"),
        ({"features": [8, 0]}, (16, 16, 16), "at least one channel"),
        ({"features": [8, 16], "strides": [1, [2, 2]]}, (16, 16, 16), "3 of them"),
    ],
)
def test_what_cannot_be_built_says_why(options: dict[str, Any], size: tuple[int, ...], words: str) -> None:
    with pytest.raises(UserError, match=words):
        build(options, size)
