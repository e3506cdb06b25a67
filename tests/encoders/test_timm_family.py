from __future__ import annotations

import copy

import pytest
import torch
from lightly.models.modules import MaskedVisionTransformerTIMM

from vesalius.encoders import Encoder, build_encoder, load_encoder, save_encoder, weights_hash
from vesalius.encoders.timm_family import pretrained
from vesalius.errors import UserError

TINY = {"depth": 2, "embed_dim": 24, "num_heads": 2}
MASKABLE = [
    ("timm:vit_tiny_patch16_224", {"patch_size": 8, **TINY}, 32),
    ("timm:deit3_small_patch16_224", {"patch_size": 8, **TINY}, 32),
    ("timm:vit_small_patch14_dinov2", {"patch_size": 8, **TINY}, 32),
    ("timm:eva02_tiny_patch14_224", {"patch_size": 8, **TINY}, 32),
    ("timm:vit_small_patch16_dinov3", {"patch_size": 8, **TINY}, 32),
]
PLAIN = [("timm:convnext_atto", {}, 64), ("timm:mobilenetv3_small_050", {}, 64), ("timm:resnet10t", {}, 64)]


def vit(**options: object) -> Encoder:
    return build_encoder("timm:vit_tiny_patch16_224", patch_size=8, **{**TINY, **options}).eval()


@pytest.mark.parametrize(("name", "options", "side"), MASKABLE + PLAIN)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_shapes_and_gradients(name: str, options: dict[str, object], side: int, channels: int) -> None:
    encoder = build_encoder(name, channels=channels, size=(side, side), **options)
    encoding = encoder(torch.rand(2, channels, side, side))
    assert encoding.pooled.shape == (2, encoder.card.dim)
    assert encoding.map.ndim == 4
    torch.testing.assert_close(encoding.map.flatten(2).mT, encoding.tokens)
    encoding.pooled.square().sum().backward()
    used = [p for p in encoder.parameters() if p.requires_grad]
    assert all(p.grad is not None for p in used)


@pytest.mark.parametrize(("name", "options", "side"), MASKABLE)
def test_keeping_tokens_encodes_those_alone(name: str, options: dict[str, object], side: int) -> None:
    encoder = build_encoder(name, size=(side, side), **options).eval()
    x = torch.rand(2, 3, side, side)
    whole = encoder(x)
    count = whole.tokens.shape[1]
    every = torch.stack([torch.arange(count), torch.arange(count)])
    torch.testing.assert_close(encoder(x, keep=every).pooled, whole.pooled)
    keep = torch.tensor([[3, 0, 7], [1, 2, 5]])
    kept = encoder(x, keep=keep)
    assert kept.tokens.shape[1] == 3
    assert kept.map.shape[2:] == (3, 1)
    # the pixels of dropped patches are never seen
    row, column = torch.arange(count) // (side // 8), torch.arange(count) % (side // 8)
    changed = x.clone()
    for i in range(2):
        for n in set(range(count)) - set(keep[i].tolist()):
            changed[i, :, row[n] * 8 : row[n] * 8 + 8, column[n] * 8 : column[n] * 8 + 8] = torch.rand(3, 8, 8)
    torch.testing.assert_close(encoder(changed, keep=keep).pooled, kept.pooled)
    assert not torch.allclose(encoder(changed).pooled, whole.pooled)


@pytest.mark.parametrize(("name", "options", "side"), MASKABLE)
def test_kept_tokens_keep_their_places(name: str, options: dict[str, object], side: int) -> None:
    encoder = build_encoder(name, size=(side, side), **options).eval()
    x = torch.rand(1, 3, side, side)
    one, other = torch.tensor([[0, 5, 9]]), torch.tensor([[9, 0, 5]])
    a, b = encoder(x, keep=one).tokens[0], encoder(x, keep=other).tokens[0]
    torch.testing.assert_close(a, b[[1, 2, 0]], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("size", "patch"), [((32, 32), (8, 8)), ((32, 48), (8, 8)), ((224, 224), (16, 16))])
def test_the_card_says_the_patch(size: tuple[int, int], patch: tuple[int, int]) -> None:
    encoder = build_encoder("timm:vit_tiny_patch16_224", size=size, patch_size=patch[0], **TINY)
    assert encoder.card.patch == patch
    assert build_encoder("timm:resnet10t", size=(64, 64)).card.patch == ()


def test_kept_tokens_equal_lightlys() -> None:
    """Class token first in every block, positions added before the patches are dropped."""
    encoder = vit()
    torch.nn.init.normal_(encoder.network.cls_token)
    peer = MaskedVisionTransformerTIMM(encoder.network, weight_initialization="skip", pos_embed_initialization="skip")
    x, keep = torch.rand(2, 3, 32, 32), torch.tensor([[3, 0, 7], [1, 15, 5]])
    theirs = peer.encode(x, idx_keep=torch.cat([torch.zeros(2, 1, dtype=torch.long), keep + 1], dim=1))
    ours = encoder(x, keep=keep)
    torch.testing.assert_close(ours.tokens, theirs[:, 1:])
    torch.testing.assert_close(ours.pooled, theirs[:, 0])


def test_hidden_patches_are_not_seen_but_their_places_are() -> None:
    encoder = vit()
    x = torch.rand(2, 3, 32, 32)
    hide = torch.zeros(2, 16, dtype=torch.bool)
    torch.testing.assert_close(encoder(x, hide=hide).pooled, encoder(x).pooled)
    hide[:, 0] = True
    changed = x.clone()
    changed[:, :, :8, :8] = 0
    torch.testing.assert_close(encoder(changed, hide=hide).tokens, encoder(x, hide=hide).tokens)
    assert not torch.allclose(encoder(x, hide=hide).pooled, encoder(x).pooled)
    all_hidden = encoder(x, hide=torch.ones(2, 16, dtype=torch.bool)).tokens[0]
    assert not torch.allclose(all_hidden[0], all_hidden[1])
    with pytest.raises(UserError, match="hide has shape"):
        encoder(x, hide=hide[:, :5])


def test_the_mask_token_learns_when_a_method_asks() -> None:
    encoder = vit().train()
    token = encoder.network.mask_token
    assert not token.requires_grad
    token.requires_grad_(True)
    encoder(torch.rand(2, 3, 32, 32), hide=torch.ones(2, 16, dtype=torch.bool)).tokens.square().sum().backward()
    assert token.grad is not None
    assert token.grad.abs().sum() > 0


def test_masking_leaves_no_hook_and_copies_are_apart() -> None:
    encoder = vit()
    x = torch.rand(1, 3, 32, 32)
    before = encoder(x).pooled
    with pytest.raises(RuntimeError):
        encoder(x, keep=torch.full((1, 3), 99))
    torch.testing.assert_close(encoder(x).pooled, before)
    twin = copy.deepcopy(encoder)
    twin(x, keep=torch.tensor([[0, 1]]))
    torch.testing.assert_close(encoder(x).pooled, before)


def test_other_sizes_than_built_for() -> None:
    assert vit()(torch.rand(1, 3, 48, 48)).map.shape[2:] == (6, 6)
    assert vit()(torch.rand(1, 3, 32, 48)).map.shape[2:] == (4, 6)


def test_channel_last_networks_give_channel_first_maps() -> None:
    encoder = build_encoder("timm:swin_tiny_patch4_window7_224", size=(64, 64), depths=(1, 1, 1, 1), embed_dim=12)
    assert encoder.eval()(torch.rand(1, 3, 64, 64)).map.shape == (1, 96, 2, 2)


def test_networks_without_tokens_say_so() -> None:
    encoder = build_encoder("timm:convnext_atto", size=(64, 64))
    assert not encoder.card.tokens
    with pytest.raises(UserError, match="no tokens to keep"):
        encoder(torch.rand(1, 3, 64, 64), keep=torch.zeros(1, 1, dtype=torch.long))


def test_saved_and_loaded(tmp_path) -> None:
    encoder = vit(drop_path_rate=0.1)
    save_encoder(encoder, tmp_path)
    again = load_encoder(tmp_path)
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(again(x).pooled, encoder(x).pooled)
    assert weights_hash(again) == weights_hash(encoder)


def test_positions_are_interpolated_from_another_size(tmp_path) -> None:
    large = build_encoder("timm:vit_tiny_patch16_224", size=(64, 64), patch_size=8, **TINY)
    save_encoder(large, tmp_path)
    small = vit(weights=str(tmp_path))
    assert any("position embeddings" in note for note in small.card.notes)
    # interpolated here or by timm at each forward: the same tokens
    x = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(large.eval()(x).pooled, small(x).pooled, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("timm:vit_tini_patch16_224", {}, "Did you mean"),
        ("timm:vit_tiny_patch16_224", {"dept": 2}, "dept"),
        ("timm:vit_tiny_patch16_224", {"size": (8, 8, 8)}, "two dimensions"),
    ],
)
def test_refusals(name: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        build_encoder(name, **options)


def test_an_unknown_network_is_not_looked_for_on_a_hub() -> None:
    with pytest.raises(UserError, match=r"timm has no network 'resnet19'. Did you mean"):
        pretrained("resnet19")
