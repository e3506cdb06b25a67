"""Positions on another grid: square or not, with class and register tokens or without, absolute, relative or rotary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from vesalius.encoders import Encoder, build_encoder, save_encoder
from vesalius.encoders.positions import fit_positions, resample
from vesalius.errors import UserError

TINY = {"patch_size": 8, "depth": 2, "embed_dim": 24, "num_heads": 2}
ABSOLUTE = {
    "vit_tiny_patch16_224": 1,  # a class token with a position
    "vit_small_patch14_dinov2": 1,
    "vit_small_patch14_reg4_dinov2": 0,  # a class token and four registers without positions
    "eva02_tiny_patch14_224": 1,
    "vit_base_patch16_siglip_224": 0,  # no class token
}


def vit(name: str, size: tuple[int, int], **options: Any) -> Encoder:
    return build_encoder(f"timm:{name}", size=size, **{**TINY, **options}).eval()


def slow(positions: torch.Tensor, old: tuple[int, int], new: tuple[int, int], prefix: int) -> torch.Tensor:
    """Each channel an image of its own."""
    grid = positions[0, prefix:].T.reshape(-1, 1, *old)
    images = [F.interpolate(channel[None], size=new, mode="bicubic", antialias=True)[0, 0] for channel in grid]
    return torch.cat([positions[:, :prefix], torch.stack(images).flatten(1).T[None]], dim=1)


@pytest.mark.parametrize(("old", "new"), [((64, 64), (32, 32)), ((32, 32), (48, 48)), ((64, 64), (32, 48)), ((32, 64), (64, 32)), ((32, 64), (32, 32))])
@pytest.mark.parametrize("name", ABSOLUTE)
def test_absolute_positions(name: str, old: tuple[int, int], new: tuple[int, int], tmp_path: Path) -> None:
    source = vit(name, old, seed=3)
    save_encoder(source, tmp_path)
    target = vit(name, new, weights=str(tmp_path))
    grids = (old[0] // 8, old[1] // 8), (new[0] // 8, new[1] // 8)
    expected = slow(source.network.pos_embed, *grids, ABSOLUTE[name])  # type: ignore[arg-type]
    torch.testing.assert_close(target.network.pos_embed, expected, atol=1e-6, rtol=1e-5)
    assert target.loaded is not None
    assert not target.loaded.missing
    words = f"position embeddings pos_embed interpolated from {grids[0][0]}×{grids[0][1]} to {grids[1][0]}×{grids[1][1]} patches"
    assert words in target.loaded.sentence()
    assert any(words in note for note in target.card.notes)
    if name != "eva02_tiny_patch14_224":  # whose rotary positions are those of the size it was built for
        x = torch.rand(2, 3, *new)
        # timm interpolates at each forward what was interpolated here once
        torch.testing.assert_close(source(x).pooled, target(x).pooled, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", ABSOLUTE)
def test_the_same_grid_is_left_alone(name: str, tmp_path: Path) -> None:
    source = vit(name, (32, 48), seed=3)
    save_encoder(source, tmp_path)
    target = vit(name, (32, 48), weights=str(tmp_path))
    assert torch.equal(target.network.pos_embed, source.network.pos_embed)  # type: ignore[arg-type]
    assert target.loaded is not None
    assert not any("position" in note for note in target.loaded.adapted)


def test_as_many_patches_in_another_shape_are_interpolated_too(tmp_path: Path) -> None:
    source = vit("vit_tiny_patch16_224", (32, 128), seed=3)
    save_encoder(source, tmp_path)
    target = vit("vit_tiny_patch16_224", (64, 64), weights=str(tmp_path))
    assert target.network.pos_embed.shape == source.network.pos_embed.shape  # type: ignore[union-attr]
    torch.testing.assert_close(target.network.pos_embed, slow(source.network.pos_embed, (4, 16), (8, 8), 1))  # type: ignore[arg-type]


def test_dinov3_turns_by_place_and_has_nothing_to_interpolate(tmp_path: Path) -> None:
    source = vit("vit_small_patch16_dinov3", (64, 64), seed=3)
    save_encoder(source, tmp_path)
    target = vit("vit_small_patch16_dinov3", (32, 48), weights=str(tmp_path))
    assert target.loaded is not None
    assert (target.loaded.missing, target.loaded.adapted) == ((), ())
    x = torch.rand(2, 3, 32, 48)
    torch.testing.assert_close(source(x).pooled, target(x).pooled, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "vit_small_patch14_reg4_dinov2", "vit_small_patch16_dinov3"])
def test_views_of_several_sizes_in_one_network(name: str) -> None:
    """Global and local crops: timm interpolates at the forward, for squares and others."""
    encoder = vit(name, (64, 64))
    for size in ((64, 64), (32, 32), (32, 48), (96, 96)):
        assert encoder(torch.rand(1, 3, *size)).map.shape[2:] == (size[0] // 8, size[1] // 8)


def test_tables_of_relative_positions(tmp_path: Path) -> None:
    for name, options, size in (("beit_base_patch16_224", TINY, 32), ("swin_tiny_patch4_window7_224", {"depths": (1, 1, 1, 1), "embed_dim": 12}, 32)):
        source = build_encoder(f"timm:{name}", size=(64, 64), seed=2, **options)
        save_encoder(source, tmp_path / name)
        target = build_encoder(f"timm:{name}", size=(size, size), weights=tmp_path / name, **options)
        assert target.loaded is not None
        assert not target.loaded.missing
        assert any("relative positions" in note for note in target.loaded.adapted)
        assert bool(torch.isfinite(target.eval()(torch.rand(1, 3, size, size)).pooled).all())


def test_a_note_for_many_blocks_is_short() -> None:
    network = build_encoder("timm:beit_base_patch16_224", size=(32, 32), **{**TINY, "depth": 6}).network
    given = {k: torch.rand(228, 2) if k.endswith("table") else v for k, v in network.state_dict().items()}
    notes = fit_positions(given, network)[1]
    assert len(notes) == 4
    assert notes[-1] == "3 more like these"


def test_patches_of_another_size_give_the_token_of_the_patch_scaled_alike(tmp_path: Path) -> None:
    source = vit("vit_tiny_patch16_224", (64, 64), patch_size=16, seed=3)
    save_encoder(source, tmp_path)
    target = vit("vit_tiny_patch16_224", (32, 32), patch_size=8, weights=str(tmp_path))
    assert target.loaded is not None
    assert any("resampled from 16×16 to 8×8 pixels" in note for note in target.loaded.adapted)
    small = torch.rand(2, 3, 32, 32)
    large = F.interpolate(small, scale_factor=2, mode="bilinear")
    with torch.no_grad():
        alike = F.cosine_similarity(source(large).pooled, target(small).pooled)
        unlike = F.cosine_similarity(source(large).pooled, vit("vit_tiny_patch16_224", (32, 32))(small).pooled)
    assert float(alike.min()) > 0.9 > float(unlike.max())


def test_torchvisions_positions(tmp_path: Path) -> None:
    source = build_encoder("torchvision:vit_b_32", size=(96, 96), seed=4)
    source.network.encoder.pos_embedding.data.normal_()  # type: ignore[union-attr]
    save_encoder(source, tmp_path)
    target = build_encoder("torchvision:vit_b_32", size=(64, 64), weights=tmp_path)
    before, after = (e.network.encoder.pos_embedding for e in (source, target))  # type: ignore[union-attr]
    torch.testing.assert_close(after, slow(before, (3, 3), (2, 2), 1))
    assert target.loaded is not None
    assert not target.loaded.missing


def test_registers_or_none_is_a_question_of_the_network(tmp_path: Path) -> None:
    """Positions that make no grid with this network's tokens are refused: one tensor of many would not be missed."""
    source = vit("vit_small_patch14_dinov2", (64, 64))
    save_file(source.network.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(UserError, match=r"65; without the 0 of class and register tokens .*with or without registers"):
        vit("vit_small_patch14_reg4_dinov2", (32, 32), weights=tmp_path / "w.safetensors", min_match=0.5)


def test_resampling_keeps_what_stands_before_the_grid() -> None:
    given = torch.rand(1, 3 + 16, 4)
    out = resample(given, (4, 4), (2, 8), 3)
    assert torch.equal(out[:, :3], given[:, :3])
    constant = torch.cat([given[:, :3], torch.full((1, 16, 4), 0.7)], 1)
    torch.testing.assert_close(resample(constant, (4, 4), (3, 5), 3)[:, 3:], torch.full((1, 15, 4), 0.7))


VOLUME = {"hidden_size": 24, "mlp_dim": 48, "num_heads": 2, "num_layers": 2, "patch_size": 8}


@pytest.mark.parametrize("new", [(16, 16, 16), (48, 32, 24)])
def test_positions_of_volumes(new: tuple[int, int, int], tmp_path: Path) -> None:
    source = build_encoder("monai:vit", size=(32, 32, 32), channels=1, **VOLUME).eval()
    save_encoder(source, tmp_path / "own")
    save_file(dict(source.network.state_dict()), tmp_path / "plain.safetensors")  # no card: a cube is taken for granted
    grid = tuple(side // 8 for side in new)
    own = source.network.get_parameter("patch_embedding.position_embeddings")[0].T.reshape(24, 1, 4, 4, 4)
    slow = torch.stack([F.interpolate(channel[None], size=grid, mode="trilinear")[0, 0] for channel in own])
    x = torch.rand(1, 1, *new)
    for weights in (tmp_path / "own", tmp_path / "plain.safetensors"):
        target = build_encoder("monai:vit", size=new, channels=1, weights=weights, **VOLUME).eval()
        torch.testing.assert_close(target.network.get_parameter("patch_embedding.position_embeddings")[0], slow.flatten(1).T)
        torch.testing.assert_close(target(x).pooled, source(x).pooled, msg="what a forward of another size interpolates")
        assert target.loaded is not None
        assert f"interpolated from 4×4×4 to {'×'.join(map(str, grid))} patches" in target.loaded.sentence()


def test_patches_of_volumes_are_resampled_and_channels_summed(tmp_path: Path) -> None:
    source = build_encoder("monai:vit", size=(32, 32, 32), channels=2, **VOLUME).eval()
    save_encoder(source, tmp_path)
    target = build_encoder("monai:vit", size=(64, 32, 64), channels=1, weights=tmp_path, **{**VOLUME, "patch_size": (16, 8, 16)}).eval()
    assert target.loaded is not None
    assert "patch_embeddings.weight resampled from 8×8×8 to 16×8×16 voxels" in target.loaded.sentence()
    assert "adapted from 2 to 1 channels" in target.loaded.sentence()
    x = torch.rand(1, 1, 32, 32, 32)
    cut = x.view(1, 1, 4, 8, 4, 8, 4, 8).permute(0, 2, 4, 6, 1, 3, 5, 7).reshape(64, 1, 8, 8, 8)
    large = F.interpolate(cut, size=(16, 8, 16), mode="trilinear")  # each patch by itself, as FlexiViT's equation has it
    whole = large.view(1, 4, 4, 4, 1, 16, 8, 16).permute(0, 4, 1, 5, 2, 6, 3, 7).reshape(1, 1, 64, 32, 64)
    torch.testing.assert_close(target(whole).pooled, source(x.expand(-1, 2, -1, -1, -1)).pooled, atol=1e-5, rtol=1e-4)
    tensors = {"patch_embedding.position_embeddings": torch.zeros(1, 20, 24)}
    with pytest.raises(UserError, match="no cubic grid"):
        fit_positions(tensors, source.network)
