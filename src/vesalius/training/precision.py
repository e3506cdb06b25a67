"""Which numbers a step is computed in: autocast's type, and the losses that must not be cast."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from vesalius.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")


def autocast_type(precision: str, device: torch.device) -> torch.dtype | None:
    """``auto`` | ``fp32`` | ``bf16`` -> the type autocast uses on ``device``, or None for plain fp32.

    ``auto`` takes bf16 only where the hardware multiplies it: emulated bf16 on a CPU is ten times slower than fp32.
    Raises UserError for another word.
    """
    if precision == "fp32":
        return None
    if precision == "bf16":
        return torch.bfloat16
    if precision == "auto":
        if device.type == "cuda":
            return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else None
        if device.type == "cpu":
            return torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() and _fast_bf16() else None
        return None
    raise UserError(f"precision is {precision!r}; it is one of auto, fp32, bf16.")


def _fast_bf16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))


def fp32(loss: Callable[P, R]) -> Callable[P, R]:
    """Compute ``loss`` with autocast off and its floating tensors in at least fp32.

    Casting inside an autocast region is not enough: its matrix products stay in bf16 (NT-Xent's gradient is then off
    by a quarter at a temperature of 0.005).
    """

    def widen(value: Any) -> Any:
        if isinstance(value, Tensor) and value.dtype in (torch.float16, torch.bfloat16):
            return value.float()
        return value

    @wraps(loss)
    def widened(*args: P.args, **kwargs: P.kwargs) -> R:
        tensors = [a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)]
        kind = tensors[0].device.type if tensors else "cpu"
        with torch.autocast(kind, enabled=False):
            return loss(*(widen(a) for a in args), **{k: widen(v) for k, v in kwargs.items()})

    return widened
