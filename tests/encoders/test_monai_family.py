"""MONAI's networks as encoders: their names, their numbers, tokens, stages and depths."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vesalius.encoders import Encoder, build_encoder, known_names, load_encoder, save_encoder
from vesalius.encoders.depth import layer_of
from vesalius.errors import UserError

VIT = {"hidden_size": 24, "mlp_dim": 48, "num_heads": 2, "num_layers": 4, "patch_size": 8}
SWIN = {"feature_size": 12, "depths": (1, 1, 2, 1), "window_size": 4}
SEG = {"init_filters": 8, "blocks_down": (1, 1, 2)}
ALL: list[tuple[str, dict[str, Any], int]] = [
    # name, options, depths: the stem or the embeddings, then blocks and what halves the size between them
    ("monai:vit", VIT, 5),
    ("monai:vit", {**VIT, "pos_embed_type": "sincos", "proj_type": "perceptron", "patch_size": (16, 8, 8)}, 5),
    ("monai:swin_unetr", SWIN, 10),
    ("monai:segresnet", SEG, 7),
]


def build(name: str, options: dict[str, Any], size: tuple[int, ...] = (32, 32, 32), channels: int = 1) -> Encoder:
    return build_encoder(name, channels=channels, size=size, **options)


@pytest.mark.parametrize(("name", "options", "depths"), ALL)
def test_shapes_gradients_and_depths(name: str, options: dict[str, Any], depths: int) -> None:
    encoder = build(name, options, channels=2)
    encoding = encoder(torch.rand(2, 2, 32, 32, 32))
    assert encoding.pooled.shape == (2, encoder.card.dim)
    torch.testing.assert_close(encoding.map.flatten(2).mT, encoding.tokens)
    encoding.pooled.square().sum().backward()
    unused = [n for n, p in encoder.named_parameters() if p.requires_grad and p.grad is None]
    assert not unused, "parameters that no gradient reaches are frozen, or wait for ever in other processes"
    found, count = layer_of(encoder)
    assert count == depths
    assert set(found) == {parameter for parameter, _ in encoder.network.named_parameters()}
    assert name in known_names()


@pytest.mark.parametrize(("name", "options", "depths"), ALL)
def test_an_encoder_comes_back_from_its_files(name: str, options: dict[str, Any], depths: int, tmp_path: Any) -> None:
    encoder = build(name, options).eval()
    save_encoder(encoder, tmp_path)
    x = torch.rand(1, 1, 32, 32, 32)
    again = load_encoder(tmp_path, min_match=1.0)
    assert torch.equal(again(x).pooled, encoder(x).pooled)
    assert again.card.model_dump(mode="json") == encoder.card.model_dump(mode="json")


def test_the_vit_of_unetr_is_ours_name_for_name() -> None:
    from monai.networks.nets import UNETR, ViTAutoEnc

    with torch.device("meta"):  # shapes alone: nothing is filled
        network = UNETR(1, 14, (96, 96, 96)).vit
        whole = ViTAutoEnc(1, (96, 96, 96), (16, 16, 16))
    encoder = build("monai:vit", {}, (96, 96, 96))
    ours, theirs = ({k: v.shape for k, v in n.state_dict().items()} for n in (encoder.network, network))
    assert ours == theirs
    assert len(ours) == 161
    assert sum(p.numel() for p in encoder.network.parameters()) == 88_359_168
    assert sum(p.numel() for p in whole.parameters()) == pytest.approx(89.15e6, rel=1e-4)
    assert {k: v.shape for k, v in whole.state_dict().items() if not k.startswith("conv3d")} == ours
    frozen = [n for n, p in encoder.network.named_parameters() if not p.requires_grad]
    assert len(frozen) == 24
    assert sum(dict(encoder.network.named_parameters())[n].numel() for n in frozen) == 18_432
    assert encoder.card.patch == (16, 16, 16)


def test_the_vit_gives_monais_numbers() -> None:
    from monai.networks.nets import ViT

    encoder = build("monai:vit", VIT).eval()
    theirs = ViT(1, (32, 32, 32), (8, 8, 8), 24, 48, 4, 2).eval()
    theirs.load_state_dict(encoder.network.state_dict())
    x = torch.rand(2, 1, 32, 32, 32)
    last, states = theirs(x)
    torch.testing.assert_close(encoder(x).tokens, last)
    torch.testing.assert_close(encoder(x).pooled, last.mean(1))
    maps = encoder.pyramid(x)
    assert len(maps) == 4
    for found, wanted in zip(maps, (*states[1:], last), strict=True):
        torch.testing.assert_close(found, wanted.mT.reshape(2, 24, 4, 4, 4))


def test_the_pyramid_of_twelve_layers_is_what_unetr_takes() -> None:
    encoder = build("monai:vit", {**VIT, "num_layers": 12}).eval()
    x = torch.rand(1, 1, 32, 32, 32)
    last, states = encoder.network(x)
    for found, wanted in zip(encoder.pyramid(x), (states[3], states[6], states[9], last), strict=True):
        torch.testing.assert_close(found.flatten(2).mT, wanted)


def test_kept_tokens_are_all_that_is_encoded_each_with_its_position() -> None:
    encoder = build("monai:vit", VIT).eval()
    x = torch.rand(2, 1, 32, 32, 32)
    whole = encoder(x)
    every = torch.arange(64).expand(2, -1)
    torch.testing.assert_close(encoder(x, keep=every.flip(1)).tokens, whole.tokens.flip(1))
    keep = torch.tensor([[3, 0, 40], [1, 2, 63]])
    kept = encoder(x, keep=keep)
    assert kept.map.shape == (2, 24, 3, 1, 1)
    changed = torch.rand(2, 1, 4, 8, 4, 8, 4, 8)
    blocks = x.view(2, 1, 4, 8, 4, 8, 4, 8)
    for i, row in enumerate(keep.tolist()):
        for n in row:
            changed[i, :, n // 16, :, n // 4 % 4, :, n % 4] = blocks[i, :, n // 16, :, n // 4 % 4, :, n % 4]
    torch.testing.assert_close(encoder(changed.view_as(x), keep=keep).pooled, kept.pooled)


def test_hidden_tokens_are_swapped_for_the_mask_token() -> None:
    encoder = build("monai:vit", VIT).eval()
    hide = torch.zeros(2, 64, dtype=torch.bool)
    x = torch.rand(2, 1, 32, 32, 32)
    torch.testing.assert_close(encoder(x, hide=hide).tokens, encoder(x).tokens)
    hide[:] = True
    torch.testing.assert_close(encoder(x, hide=hide).tokens, encoder(torch.rand_like(x), hide=hide).tokens)
    with pytest.raises(UserError, match=r"\(2, 64\)"):
        encoder(x, hide=hide[:, :5])


def test_other_sizes_interpolate_the_positions() -> None:
    encoder = build("monai:vit", VIT).eval()
    assert encoder(torch.rand(1, 1, 48, 32, 24)).map.shape == (1, 24, 6, 4, 3)
    with pytest.raises(UserError, match="no tokens"):
        build("monai:segresnet", SEG)(torch.rand(1, 1, 32, 32, 32), keep=torch.zeros(1, 1, dtype=torch.long))


def test_swin_and_segresnet_are_the_encoders_of_monais_segmenters() -> None:
    from monai.networks.nets import SegResNetDS, SwinUNETR

    swin = build("monai:swin_unetr", SWIN).eval()
    whole = SwinUNETR(1, 3, feature_size=12, depths=(1, 1, 2, 1), window_size=4).eval()
    whole.swinViT.load_state_dict(swin.network.state_dict())
    x = torch.rand(1, 1, 32, 32, 32)
    for found, wanted in zip(swin.pyramid(x), whole.swinViT(x, True), strict=True):
        torch.testing.assert_close(found, wanted)
    seg = build("monai:segresnet", SEG).eval()
    net = SegResNetDS(3, 8, 1, 3, norm="instance", blocks_down=(1, 1, 2)).eval()
    net.encoder.load_state_dict(seg.network.state_dict())
    for found, wanted in zip(seg.pyramid(x), net.encoder(x), strict=True):
        torch.testing.assert_close(found, wanted)


def test_the_stages_of_a_resnet_in_two_and_three_dimensions() -> None:
    encoder = build_encoder("resnet18", width=0.125, channels=1, size=(16, 16, 16)).eval()
    maps = encoder.pyramid(torch.rand(1, 1, 16, 16, 16))
    assert [tuple(m.shape[1:3]) for m in maps] == [(8, 16), (16, 8), (32, 4), (64, 2)]
    with pytest.raises(UserError, match="stages of densenet121"):
        build_encoder("densenet121", width=0.125).pyramid(torch.rand(1, 3, 32, 32))


@pytest.mark.parametrize(
    ("name", "options", "size", "words"),
    [
        ("monai:vit", {"patch_size": 16}, (40, 32, 32), "multiple"),
        ("monai:vit", {"num_heads": 5}, (32, 32, 32), "divisible"),
        ("monai:vit", {"patch_size": (8, 8)}, (32, 32, 32), "one for each axis"),
        ("monai:vit", {"hidden": 5}, (32, 32, 32), "hidden_size"),
        ("monai:swin_unetr", {}, (48, 48, 48), "32"),
        ("monai:swin_unetr", {"feature_size": 20}, (32, 32, 32), "multiples of 12"),
        ("monai:segresnet", {}, (20, 20, 20), "8 divides"),
        ("monai:segresnet", {"norm": "layer"}, (32, 32, 32), "group"),
        ("monai:swin", {}, (32, 32, 32), "monai:swin_unetr"),
    ],
)
def test_what_cannot_be_built_says_why(name: str, options: dict[str, Any], size: tuple[int, ...], words: str) -> None:
    with pytest.raises(UserError, match=words):
        build(name, options, size)
