"""Networks of MONAI for volumes: ``monai:vit``, ``monai:swin_unetr`` and ``monai:segresnet``, in 2 or 3 dimensions.

Each ``network`` is the very module that MONAI puts into its segmenters (``UNETR.vit``, ``SwinUNETR.swinViT``,
``SegResNetDS.encoder``), so that tensors have MONAI's names and a decoder of MONAI takes the network as it is;
``network.built_with`` are the keywords of its class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder, Encoding, StagesEncoder
from vesalius.encoders.positions import resample
from vesalius.errors import UserError

_LICENCE = "code: MONAI, Apache-2.0"
_NORMS = ("instance", "batch", "group")


class MonaiViT(Encoder):
    """``network``: MONAI's ViT. Pooled is the mean over the tokens behind the last norm; there is no class token."""

    def __init__(self, network: nn.Module, grid: tuple[int, ...], patch: tuple[int, ...]) -> None:
        super().__init__(network)
        self.grid, self.patch = grid, patch
        # Beside the network, whose tensors are MONAI's; trained only by a method that hides tokens and says so.
        token = torch.zeros(network.get_parameter("norm.weight").shape[0])
        nn.init.trunc_normal_(token, std=0.02)
        self.mask_token = nn.Parameter(token, requires_grad=False)

    def encode(self, x: Tensor, keep: Tensor | None, hide: Tensor | None) -> Encoding:
        """See ``Encoder``. With ``keep`` there is no grid: the map is (B, D, K, 1, ...)."""
        tokens, grid = self._embedded(x, hide)
        if keep is not None:
            tokens = tokens.gather(1, keep[..., None].expand(-1, -1, tokens.shape[2]))
            grid = (keep.shape[1], *[1] * (x.ndim - 3))
        for block in self.network.blocks:  # type: ignore[union-attr]
            tokens = block(tokens)
        tokens = self.network.norm(tokens)  # type: ignore[operator]
        return Encoding(tokens.mean(1), _as_map(tokens, grid), tokens)

    def levels(self, x: Tensor) -> list[Tensor]:
        """Behind the blocks at a quarter, half and three quarters (UNETR's 3, 6 and 9, counted from 0), and the end, of ``x`` (B, C, *size)."""
        tokens, grid = self._embedded(x, None)
        blocks: Any = self.network.blocks
        wanted = [len(blocks) * part // 4 for part in (1, 2, 3)]
        states = []
        for block in blocks:
            tokens = block(tokens)
            states.append(tokens)
        last = self.network.norm(tokens)  # type: ignore[operator]
        return [_as_map(state, grid) for state in (*(states[i] for i in wanted), last)]

    def _embedded(self, x: Tensor, hide: Tensor | None) -> tuple[Tensor, tuple[int, ...]]:
        """Tokens with their positions, and their grid; positions are interpolated for images of another size."""
        embed: Any = self.network.patch_embedding
        tokens = embed.patch_embeddings(x)
        tokens = tokens.flatten(2).mT if embed.proj_type == "conv" else tokens
        grid = tuple(side // patch for side, patch in zip(x.shape[2:], self.patch, strict=True))
        if hide is not None:
            if hide.shape != tokens.shape[:2]:
                raise UserError(f"hide has shape {tuple(hide.shape)}; it must be {tuple(tokens.shape[:2])}.")
            tokens = torch.where(hide.bool()[..., None], self.mask_token.to(tokens.dtype), tokens)
        positions = embed.position_embeddings
        if grid != self.grid:
            positions = resample(positions, self.grid, grid, 0)
        return embed.dropout(tokens + positions), grid


def vit(
    name: str,
    *,
    channels: int,
    size: tuple[int, ...],
    hidden_size: int = 768,
    mlp_dim: int = 3072,
    num_layers: int = 12,
    num_heads: int = 12,
    patch_size: int | Sequence[int] = 16,
    proj_type: str = "conv",
    pos_embed_type: str = "learnable",
    qkv_bias: bool = False,
) -> tuple[Encoder, dict[str, Any]]:
    """Hatamizadeh et al., "UNETR", WACV 2022: its encoder. Options are MONAI's, and so are their defaults.

    ``size`` and ``patch_size``: voxels per side. ``pos_embed_type``: learnable, or sincos (fixed).
    Raises UserError where patches do not divide ``size``, and for options that MONAI refuses.
    """
    patch = _sides(patch_size, len(size))
    if any(side % part for side, part in zip(size, patch, strict=True)):
        raise UserError(
            f"Patches of {_times(patch)} voxels do not divide a volume of {_times(size)}. Give sides that are multiples of "
            "encoder.patch_size: in a recipe, data.plan.patch."
        )
    from monai.networks.nets.vit import ViT

    keywords = {
        "in_channels": channels,
        "img_size": list(size),
        "patch_size": list(patch),
        "hidden_size": hidden_size,
        "mlp_dim": mlp_dim,
        "num_layers": num_layers,
        "num_heads": num_heads,
        "proj_type": proj_type,
        "pos_embed_type": pos_embed_type,
        "spatial_dims": len(size),
        "qkv_bias": qkv_bias,
    }
    try:
        network: Any = ViT(**keywords)  # type: ignore[arg-type]
    except (ValueError, AssertionError) as error:
        said = f"{str(error).rstrip('.')} (hidden_size {hidden_size}, num_heads {num_heads})"
        raise UserError(f"monai:vit cannot be built: {said}. See its options in docs/volumes-networks.md.") from error
    network.built_with = keywords
    for block in network.blocks:
        # MONAI keeps a norm for a cross-attention that is not there: no gradient ever reaches it.
        block.norm_cross_attn.requires_grad_(False)
        block.attn.use_flash_attention = True  # torch's fused attention: the same numbers in less time and memory
    grid = tuple(side // part for side, part in zip(size, patch, strict=True))
    network.patch_embedding.grid_size = grid
    return MonaiViT(network, grid, patch), {"tokens": True, "licence": _LICENCE}


def swin_unetr(
    name: str,
    *,
    channels: int,
    size: tuple[int, ...],
    feature_size: int = 48,
    depths: Sequence[int] = (2, 2, 2, 2),
    num_heads: Sequence[int] = (3, 6, 12, 24),
    window_size: int | Sequence[int] = 7,
    patch_norm: bool = False,
    use_v2: bool = False,
    drop_path_rate: float = 0.0,
    use_checkpoint: bool = False,
) -> tuple[Encoder, dict[str, Any]]:
    """Hatamizadeh et al., "Swin UNETR", 2022: its encoder, five stages at 1/2 to 1/32 of the size.

    ``feature_size``: channels of the first stage, a multiple of 12; each next one has twice as many. ``use_v2``: a residual
    convolution before every stage. ``use_checkpoint``: activations are computed twice, to save memory.
    Raises UserError for sides that 32 does not divide, or a ``feature_size`` that 12 does not.
    """
    if any(side % 32 for side in size):
        raise UserError(
            f"monai:swin_unetr halves its input five times: {_times(size)} voxels cannot be divided by 32. Use sides of 32, 64, "
            "96, 128."
        )
    if feature_size % 12 or feature_size < 12:
        raise UserError(f"feature_size is {feature_size}; MONAI's SwinUNETR takes multiples of 12: 12, 24, 48.")
    from monai.networks.nets.swin_unetr import SwinTransformer

    keywords = {
        "in_chans": channels,
        "embed_dim": feature_size,
        "window_size": list(_sides(window_size, len(size))),
        "patch_size": [2] * len(size),
        "depths": list(depths),
        "num_heads": list(num_heads),
        "drop_path_rate": drop_path_rate,
        "patch_norm": patch_norm,
        "use_checkpoint": use_checkpoint,
        "spatial_dims": len(size),
        "use_v2": use_v2,
    }
    network: Any = SwinTransformer(**keywords)  # type: ignore[arg-type]
    network.built_with = keywords
    stages: list[Any] = [network.layers1[0], network.layers2[0], network.layers3[0], network.layers4[0]]
    for stage in stages:
        stage.is_stage = True  # for ``depth``: its blocks are layers
    return StagesEncoder(network), {"licence": _LICENCE}


def segresnet(
    name: str,
    *,
    channels: int,
    size: tuple[int, ...],
    init_filters: int = 32,
    blocks_down: Sequence[int] = (1, 2, 2, 4),
    norm: str = "instance",
) -> tuple[Encoder, dict[str, Any]]:
    """Myronenko, "3D MRI brain tumor segmentation using autoencoder regularization", 2018: the encoder of SegResNetDS.

    ``init_filters``: channels of the first stage, at full size; each next one has twice as many at half the size.
    ``blocks_down``: residual blocks of each stage. ``norm``: instance, batch or group.
    Raises UserError for sides that the stages do not divide, or another norm.
    """
    factor = 2 ** (len(blocks_down) - 1)
    if any(side % factor for side in size):
        raise UserError(
            f"monai:segresnet with {len(blocks_down)} stages takes sides that {factor} divides, not {_times(size)} voxels."
        )
    if norm not in _NORMS:
        raise UserError(f"There is no norm {norm!r}. Use one of {', '.join(_NORMS)}.")
    from monai.networks.nets.segresnet_ds import SegResEncoder

    keywords = {
        "spatial_dims": len(size),
        "init_filters": init_filters,
        "in_channels": channels,
        "norm": ["group", {"num_groups": 8}] if norm == "group" else norm,
        "blocks_down": list(blocks_down),
    }
    network: Any = SegResEncoder(**keywords)  # type: ignore[arg-type]
    network.built_with = keywords
    return StagesEncoder(network), {"licence": _LICENCE}


BUILDERS: dict[str, Callable[..., tuple[Encoder, dict[str, Any]]]] = {
    "monai:vit": vit,
    "monai:swin_unetr": swin_unetr,
    "monai:segresnet": segresnet,
}
NAMES = tuple(BUILDERS)


def builder(name: str) -> Callable[..., tuple[Encoder, dict[str, Any]]]:
    """What builds ``name``. Raises UserError for a network of MONAI that is none of ours."""
    found = BUILDERS.get(name)
    if found is None:
        near = get_close_matches(name, NAMES, n=1)
        raise UserError(
            f"There is no network {name!r}." + (f" Did you mean {near[0]}?" if near else "")
            + f" Of MONAI there are {', '.join(NAMES)}; any other of its networks comes in by my_file.py:build."
        )  # fmt: skip
    return found


def _as_map(tokens: Tensor, grid: tuple[int, ...]) -> Tensor:
    return tokens.mT.reshape(*tokens.mT.shape[:2], *grid)


def _sides(value: int | Sequence[int], dims: int) -> tuple[int, ...]:
    """``value`` for every axis. Raises UserError where it is a list of another length, or no positive number."""
    sides = (value,) * dims if isinstance(value, int) else tuple(value)
    if len(sides) != dims or math.prod(sides) < 1 or min(sides) < 1:
        raise UserError(f"{value!r} must be one number of voxels, or {dims} of them, one for each axis.")
    return sides


def _times(sides: Sequence[int]) -> str:
    return "×".join(map(str, sides))
