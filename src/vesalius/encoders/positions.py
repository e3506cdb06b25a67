"""Fit position embeddings, tables of relative positions and patches to another grid, and say what was done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vesalius.errors import UserError

_ABSOLUTE, _RELATIVE, _PATCHES = (
    ("pos_embed", "pos_embedding", "position_embeddings"),
    "relative_position_bias_table",
    ("patch_embed.proj.weight", "patch_embedding.patch_embeddings.weight"),
)


def fit_positions(
    tensors: Mapping[str, Tensor], network: nn.Module, made_for: Sequence[int] = ()
) -> tuple[dict[str, Tensor], list[str]]:
    """``tensors`` with positions and patches interpolated to those of ``network``; and what was done.

    ``made_for``: pixels per side the tensors were trained with, where known; their grid is taken to be a square or a cube
    otherwise.
    Rotary positions (DINOv3, EVA-02's blocks) are computed from the grid: nothing is interpolated. Raises UserError
    for positions that cannot be laid out as a grid, since positions left at random would not be noticed.
    """
    out, notes, own = dict(tensors), list[str](), network.state_dict()
    for key, given in tensors.items():
        if key not in own or given.ndim != own[key].ndim:
            continue
        if key.endswith(_PATCHES) and given.shape[2:] != own[key].shape[2:]:
            out[key] = _resized_patches(given, own[key].shape[2:])
            notes.append(
                f"patches {key} resampled from {_times(given.shape[2:])} to {_times(own[key].shape[2:])} "
                + ("pixels" if given.ndim == 4 else "voxels")
            )
        elif key.endswith(_RELATIVE) and given.shape != own[key].shape:
            out[key] = _relative(key, given, own[key], network.get_submodule(key.rpartition(".")[0]))
            notes.append(f"relative positions {key} interpolated from {given.shape[0]} to {own[key].shape[0]}")
        elif key.endswith(_ABSOLUTE) and given.ndim == 3 and given.shape[2] == own[key].shape[2]:
            grids = _grids(key, given, own[key], network, made_for, tensors)
            if grids is not None and grids[0] != grids[1]:
                prefix = own[key].shape[1] - math.prod(grids[1])
                out[key] = resample(given, *grids, prefix)
                notes.append(
                    f"position embeddings {key} interpolated from {_times(grids[0])} to {_times(grids[1])} patches"
                )
    return out, _shortened(notes)


def resample(
    positions: Float[Tensor, "1 given dim"], old: tuple[int, ...], new: tuple[int, ...], prefix: int
) -> Float[Tensor, "1 wanted dim"]:
    """On a plane bicubic and anti-aliased, as timm does it at a forward; in a volume trilinear, as nnU-Net does it.

    The first ``prefix`` (class, registers) are kept.
    """
    if len(new) == 3:
        kept, cells = positions[:, :prefix], positions[:, prefix:]
        volume = cells.float().mT.reshape(1, -1, *old)
        moved = nn.functional.interpolate(volume, size=new, mode="trilinear", align_corners=False)
        return torch.cat([kept, moved.flatten(2).mT.to(positions.dtype)], dim=1)
    from timm.layers.pos_embed import resample_abs_pos_embed

    fitted: Tensor = resample_abs_pos_embed(positions, [*new], [*old], num_prefix_tokens=prefix, verbose=False)
    return fitted


def _grids(
    key: str, given: Tensor, own: Tensor, network: nn.Module, made_for: Sequence[int], tensors: Mapping[str, Tensor]
) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The grids of ``given`` and of ``network``, or None where both are of one number and nothing tells them apart."""
    new = _own_grid(network, own.shape[1])
    if new is None:
        if given.shape == own.shape:
            return None
        raise UserError(f"The position embeddings {key} {tuple(given.shape)} do not fit {tuple(own.shape)}, and the grid of this "
                        "network is not known. Build it for the size that the weights were made for.")  # fmt: skip
    count = given.shape[1] - (own.shape[1] - math.prod(new))
    patch = next((t.shape[2:] for k, t in tensors.items() if k.endswith(_PATCHES)), ())
    stated = tuple(side // p for side, p in zip(made_for, patch, strict=False)) if len(made_for) == len(patch) else ()
    if stated and math.prod(stated) == count:
        return stated, new
    if given.shape == own.shape:
        return None
    dims = len(new)
    side = round(max(0, count) ** (1 / dims))
    if side and side**dims == count:
        return (side,) * dims, new
    kind = "square" if dims == 2 else "cubic"
    raise UserError(
        f"The position embeddings {key} of the weights are {given.shape[1]}; without the {own.shape[1] - math.prod(new)} of class and "
        f"register tokens that this network has, they are no {kind} grid. Choose the network that the weights were made for "
        "(with or without registers), or give them with their encoder.json, which says their size."
    )


def _own_grid(network: nn.Module, count: int) -> tuple[int, ...] | None:
    """Patches along each axis that ``network`` was built for."""
    embed: Any = getattr(network, "patch_embed", getattr(network, "patch_embedding", None))  # timm, MONAI
    grid: Any = getattr(embed, "grid_size", None)
    if grid is None and hasattr(network, "patch_size") and hasattr(network, "image_size"):  # torchvision
        grid = [int(network.image_size) // int(network.patch_size)] * 2  # type: ignore[arg-type]
    return None if grid is None or math.prod(grid) > count else tuple(int(side) for side in grid)


def _relative(key: str, given: Tensor, own: Tensor, module: nn.Module) -> Tensor:
    window = getattr(module, "window_size", None)
    if window is None or len(window) != 2 or given.shape[1] != own.shape[1]:
        raise UserError(
            f"The relative positions {key} {tuple(given.shape)} of the weights do not fit {tuple(own.shape)}. Choose the network "
            "that the weights were made for, with its number of heads and its window."
        )
    from timm.layers.pos_embed_rel import resize_rel_pos_bias_table

    fitted: Tensor = resize_rel_pos_bias_table(given, new_window_size=window, new_bias_shape=tuple(own.shape))
    return fitted


def _resized_patches(given: Tensor, size: Sequence[int]) -> Tensor:
    """Beyer et al., "FlexiViT", CVPR 2023: resampled so that an enlarged patch gives the token of the small one."""
    if given.ndim == 5:
        for axis, side in enumerate(size, 2):
            given = _resized_along(given, axis, side)
        return given
    from timm.layers.patch_embed import resample_patch_embed

    fitted: Tensor = resample_patch_embed(given, [*size])
    return fitted


def _resized_along(kernel: Tensor, axis: int, side: int) -> Tensor:
    """``kernel`` so that its product with a patch enlarged linearly along ``axis`` stays what it was."""
    if kernel.shape[axis] == side:
        return kernel
    one = torch.eye(kernel.shape[axis], dtype=torch.float64)[:, None]
    enlarged = nn.functional.interpolate(one, size=side, mode="linear", align_corners=False)[:, 0]
    moved: Tensor = kernel.double().movedim(axis, -1) @ torch.linalg.pinv(enlarged).mT
    return moved.movedim(-1, axis).to(kernel.dtype)


def _times(sides: Sequence[int]) -> str:
    return "×".join(str(side) for side in sides)


def _shortened(notes: list[str], most: int = 3) -> list[str]:
    """A table in each of many blocks is one note."""
    return notes if len(notes) <= most else [*notes[:most], f"{len(notes) - most} more like these"]
