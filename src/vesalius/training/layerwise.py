"""Learning rates by depth: the nearer a layer is to the input, the slower it learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from torch import nn

from vesalius.encoders.depth import layer_of
from vesalius.encoders.encoder import Encoder
from vesalius.training.method import Group, Progress


def layerwise(method: nn.Module, groups: Sequence[Group], decay: float | None) -> list[Group]:
    """``groups`` of ``method``, divided so that encoder parameters at depth d of L learn at ``decay ** (L - d)`` of their rate.

    The factor multiplies the group's own. Everything that is no trainable part of an encoder (heads, a decoder) keeps its
    rate; teachers are in no group. ``decay`` None, or 1, changes nothing. See ``encoders.depth`` for what is a depth.
    """
    if decay is None:
        return list(groups)
    factors = {parameter: factor for factor, parameter in _factors(method, decay)}
    out = []
    for group in groups:
        members: dict[float, list[nn.Parameter]] = {}
        for parameter in group.params:
            members.setdefault(factors.get(parameter, 1.0), []).append(parameter)
        for factor, parameters in members.items():
            out.append(replace(group, params=parameters, lr=_slowed(group.lr, factor), name=_named(group.name, factor)))
    return out


def in_words(method: nn.Module, decay: float) -> str:
    """One sentence for the terminal."""
    found = sorted({factor for factor, _ in _factors(method, decay)})
    if not found:
        return "Layer-wise rates: no encoder is trained, so that layer_decay changes nothing."
    return (
        f"Layer-wise rates: {len(found)} depths of the encoder, at {found[0]:.3g} of the rate nearest the input "
        f"and {found[-1]:.3g} at the last; what stands upon it at the full rate."
    )


def _factors(method: nn.Module, decay: float) -> list[tuple[float, nn.Parameter]]:
    found = []
    for module in method.modules():
        if isinstance(module, Encoder):
            depths, layers = layer_of(module)
            for name, parameter in module.network.named_parameters():
                if parameter.requires_grad:
                    found.append((decay ** (layers - depths[name]), parameter))
    return found


def _slowed(rate: Callable[[Progress], float], factor: float) -> Callable[[Progress], float]:
    return rate if factor == 1.0 else lambda at: factor * rate(at)


def _named(name: str, factor: float) -> str:
    return name if factor == 1.0 else f"{name} x {factor:.3g}".strip()
