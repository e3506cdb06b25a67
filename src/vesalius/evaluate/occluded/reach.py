"""The first modules of a network, one after the other, and how far a pixel reaches in each: what an occluded window can change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder


@dataclass(frozen=True, eq=False)
class Link:
    """A module of the chain: ``names`` in the network (one, and what works on single pixels after it), the height and width of the map that it
    takes. Pixel o of what it makes depends on pixels from o * ``step`` - ``before`` to o * ``step`` + ``after``.
    """

    names: Sequence[str]
    module: nn.Module
    size: tuple[int, int]
    step: int
    before: int
    after: int


def chain(encoder: Encoder, x: Tensor) -> list[Link]:
    """The modules that ``encoder.encode`` calls first for ``x`` (1, C, H, W), each on what the one before put out, as far as each output
    depends on pixels around it alone. Empty for a network that is not built so.
    """
    found: list[Link] = []
    for name, module, given, out in _called(encoder, x):
        reach = _reach(module, given, out)
        if reach is None:
            break
        if reach == (1, 0, 0) and found:
            last = found[-1]
            found[-1] = Link((*last.names, name), nn.Sequential(last.module, module).eval(), last.size, last.step, last.before, last.after)
        else:
            found.append(Link((name,), module, (given.shape[2], given.shape[3]), *reach))
    return found


def _called(encoder: Encoder, x: Tensor) -> list[tuple[str, nn.Module, Tensor, Tensor]]:
    """Name, module, what it took and what it put out, of the modules in a row from ``x`` on."""
    seen: list[tuple[str, nn.Module, Tensor, Tensor]] = []
    last, unbroken = x, True

    def record(name: str) -> Any:
        def hook(module: nn.Module, given: tuple[Any, ...], out: Any) -> None:
            nonlocal last, unbroken
            plain = isinstance(out, Tensor) and out.ndim == 4
            unbroken = unbroken and plain and len(given) == 1 and given[0] is last
            if unbroken:
                seen.append((name, module, copies[name], out.clone()))  # what follows may write to it
                last = out

        return hook

    copies: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        return lambda _module, given: copies.__setitem__(name, given[0].clone()) if given and isinstance(given[0], Tensor) else None

    handles = []
    for name, module in _flat(encoder.network):
        handles += [module.register_forward_pre_hook(keep(name)), module.register_forward_hook(record(name))]
    try:
        encoder.encode(x, None, None)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _flat(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The children, and for a sequence its own."""
    for name, child in module.named_children():
        if type(child).forward is nn.Sequential.forward:
            yield from _flat(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", child


def _reach(module: nn.Module, given: Tensor, out: Tensor) -> tuple[int, int, int] | None:
    """Step, pixels before and after, by following what is not a number through ``module``; None where it reaches a border."""
    step = round(given.shape[2] / out.shape[2])
    if step < 1 or any(-(-side // step) != made for side, made in zip(given.shape[2:], out.shape[2:], strict=True)):
        return None
    middle = [side // 2 // step * step for side in given.shape[2:]]
    before = after = 0
    for more in range(step):
        marked = torch.zeros_like(given)
        at = [place + more for place in middle]
        if any(place >= side for place, side in zip(at, given.shape[2:], strict=True)):
            return None
        marked[:, :, at[0], at[1]] = torch.nan
        changed = module(marked).isnan().any(1)[0]
        for axis, place in enumerate(at):
            places = changed.any(1 - axis).nonzero().flatten().tolist()
            if not places:
                continue
            if places[0] == 0 or places[-1] == changed.shape[axis] - 1:
                return None
            before, after = max(before, places[-1] * step - place), max(after, place - places[0] * step)
    return step, before, after
