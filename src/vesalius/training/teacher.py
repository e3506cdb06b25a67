"""A slowly moving copy of a student: BYOL's target, MoCo's key encoder, DINO's teacher."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def frozen_copy(module: M) -> M:
    """A copy without gradient."""
    twin = copy.deepcopy(module)
    for parameter in twin.parameters():
        parameter.requires_grad_(False)
    return twin


@torch.no_grad()
def move_towards(teacher: nn.Module, student: nn.Module, momentum: float, finite: Tensor | None = None) -> None:
    """teacher <- momentum * teacher + (1 - momentum) * student, parameters only, in one fused launch.

    ``finite`` () bool on the device: where False nothing moves, without the host having to look.
    """
    mine: list[Tensor] = [*teacher.parameters()]
    theirs: list[Tensor] = [*student.parameters()]
    if finite is None:
        torch._foreach_lerp_(mine, theirs, 1.0 - momentum)
    else:
        way = list(torch._foreach_sub(theirs, mine))
        torch._foreach_mul_(way, finite.to(mine[0].dtype) * (1.0 - momentum))
        torch._foreach_add_(mine, way)
