"""Maps of where a transformer attends: attention rollout (Abnar and Zuidema, ACL 2020), and the class token's last attention as DINO shows it.

The attention is the network's own: where it comes fused with what it weights, and so is nowhere in memory, the network takes its own slower
way, and its numbers are read on that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder
from vesalius.encoders.probing import untouched
from vesalius.errors import UserError
from vesalius.evaluate.occluded.gradients import Images, Maps, images_only
from vesalius.evaluate.occluded.scaling import over_pixels

Matrices = Float[Tensor, "batch heads tokens tokens"]
_MOST_PREFIX = 16
"""Class token and registers before the patches; more that are no patches are something else."""
_FUSED = {"fused_attn": "attn_drop", "use_flash_attention": "drop_weights"}
"""Whether an attention of timm, or of MONAI, is fused: the field; and the module its weights go through where it is not."""


def rollout(encoder: Encoder, x: Images, *, batch_size: int = 8) -> Maps:
    """How much of each patch reaches the pooled feature through all layers, residual paths counted as half: from 0 to 1 where largest.

    Of each layer the mean over heads plus the identity, its rows made to add up to 1; the product of all. Read for the class token where the
    feature is that, for the mean over patches otherwise. Raises UserError for volumes and for a network without attention between all of its tokens.
    """
    images_only(encoder, x)
    found = []
    for part in torch.split(x, batch_size):
        path: list[Tensor] = []

        def follow(weights: Matrices, path: list[Tensor] = path) -> None:
            layer = weights.mean(1) + torch.eye(weights.shape[-1], dtype=weights.dtype, device=weights.device)
            layer /= layer.sum(-1, keepdim=True)
            path[:] = [layer @ path[0] if path else layer]

        grid, prefix = _followed(encoder, part, follow)
        rows = path[0][:, :1] if _by_class_token(encoder, prefix) else path[0][:, prefix:]
        found.append(over_pixels(rows.mean(1)[:, prefix:].reshape(-1, *grid), x.shape[2:]))
    return torch.cat(found)


def last_attention(encoder: Encoder, x: Images, *, batch_size: int = 8) -> Float[Tensor, "batch heads height width"]:
    """The class token's attention to each patch in the last layer, of every head (Caron et al., ICCV 2021): from 0 to 1 where largest.

    Raises UserError as ``rollout`` does, and for a network without class token.
    """
    each = _of_class_token(encoder, x, batch_size)
    return over_pixels(each.flatten(0, 1), x.shape[2:]).view(*each.shape[:2], *x.shape[2:])


def attention(encoder: Encoder, x: Images, *, batch_size: int = 8) -> Maps:
    """The mean over heads of what ``last_attention`` shows."""
    return over_pixels(_of_class_token(encoder, x, batch_size).mean(1), x.shape[2:])


def _of_class_token(encoder: Encoder, x: Images, batch_size: int) -> Float[Tensor, "batch heads rows columns"]:
    images_only(encoder, x)
    found = []
    for part in torch.split(x, batch_size):
        last: list[Tensor] = []

        def keep(weights: Matrices, last: list[Tensor] = last) -> None:
            last[:] = [weights]

        grid, prefix = _followed(encoder, part, keep)
        if not prefix or not _by_class_token(encoder, prefix):
            raise UserError(
                f"{encoder.card.architecture} pools its patches and has no class token whose attention could be shown. Use the map attention-rollout."
            )
        found.append(last[0][:, :, 0, prefix:].reshape(len(part), -1, *grid))
    return torch.cat(found)


def _by_class_token(encoder: Encoder, prefix: int) -> bool:
    """Whether the feature is the class token; torchvision's transformers, whose cards do not say so, have no other."""
    return bool(prefix) and (encoder.card.pooling == "token" or hasattr(encoder.network, "class_token"))


def _followed(encoder: Encoder, x: Images, take: Callable[[Matrices], None]) -> tuple[tuple[int, int], int]:
    """Call ``take`` with the attention of each layer, in order; the patches' rows and columns, and how many tokens stand before them."""
    seen: list[torch.Size] = []

    def note(weights: Tensor) -> None:
        if weights.ndim == 4 and weights.shape[2] == weights.shape[3] and len(weights) == len(x) and set(seen) <= {weights.shape}:
            take(weights)
        seen.append(weights.shape)

    with untouched(encoder), _read(encoder, note):
        grid = encoder(x).map.shape[2:]
    tokens = seen[0][-1] if seen else 0
    prefix = tokens - grid.numel()
    if len(set(seen)) != 1 or len(seen[0]) != 4 or seen[0][2] != tokens or seen[0][0] != len(x) or not 0 <= prefix <= _MOST_PREFIX:
        raise UserError(
            f"{encoder.card.architecture} has no layers in which all of its tokens attend to each other, so that there is no attention to follow. "
            "Use a vision transformer such as timm:vit_small_patch16_224, or another map: occlusion and grad-cam work for any encoder."
        )
    return (grid[0], grid[1]), prefix


@contextmanager
def _read(encoder: Encoder, note: Callable[[Tensor], None]) -> Iterator[None]:
    """Inside: ``note`` gets what each attention of timm, MONAI or torch weights its values by. Afterwards nothing of it is left."""
    found: list[tuple[nn.Module, str, bool]] = []
    handles = []
    for module in encoder.network.modules():
        if isinstance(module, nn.MultiheadAttention):
            handles.append(module.register_forward_pre_hook(_with_weights, with_kwargs=True))
            handles.append(module.register_forward_hook(lambda module, inputs, output: note(output[1])))
        for flag, behind in _FUSED.items():
            drop: Any = getattr(module, behind, None)
            if isinstance(drop, nn.Module) and hasattr(module, flag):
                found.append((module, flag, getattr(module, flag)))
                handles.append(drop.register_forward_hook(lambda module, inputs, output: note(output)))
    try:
        for module, flag, _ in found:
            setattr(module, flag, False)
        yield
    finally:
        for module, flag, was in found:
            setattr(module, flag, was)
        for handle in handles:
            handle.remove()


def _with_weights(module: nn.Module, inputs: Any, named: Any) -> Any:
    return inputs, {**named, "need_weights": True, "average_attn_weights": False}
