"""An encoder whose batch norms are part of the convolutions before them: the same answers in evaluation mode, with less to compute."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vesalius.encoders.encoder import Encoder


def folded(encoder: Encoder, x: Tensor) -> Encoder:
    """A copy of ``encoder`` in evaluation mode, in which each batch norm that sees what a convolution puts out for ``x`` (B, C, *size) (standardised, as
    ``encode`` takes it) is folded into it; ``encoder`` itself where there is none. Equal to rounding.
    """
    if not any(type(module) is nn.BatchNorm2d for module in encoder.network.modules()):
        return encoder
    made = deepcopy(encoder)
    network = made.network
    for convolution, norm in _pairs(made, x):
        before, behind = network.get_submodule(convolution), network.get_submodule(norm)
        assert isinstance(before, nn.Conv2d) and isinstance(behind, nn.BatchNorm2d)  # noqa: PT018
        network.set_submodule(convolution, fuse_conv_bn_eval(before, behind))
        network.set_submodule(norm, nn.Identity())
    return made.eval()


def _pairs(encoder: Encoder, x: Tensor) -> list[tuple[str, str]]:
    """Names of convolutions and of the norm that takes each one's output, of those that are called once."""
    seen: list[tuple[str, Tensor, Tensor]] = []

    def record(name: str) -> Any:
        return lambda _module, given, out: seen.append((name, given[0], out))

    kinds = (nn.Conv2d, nn.BatchNorm2d)
    handles = [module.register_forward_hook(record(name)) for name, module in encoder.network.named_modules() if isinstance(module, kinds)]
    try:
        with torch.inference_mode():
            encoder.encode(x, None, None)
    finally:
        for handle in handles:
            handle.remove()
    names = [name for name, _, _ in seen]
    found = []
    for (before, _, out), (name, given, _) in pairwise(seen):
        here, norm = encoder.network.get_submodule(before), encoder.network.get_submodule(name)
        once = names.count(before) == names.count(name) == 1
        if given is out and once and isinstance(here, nn.Conv2d) and type(norm) is nn.BatchNorm2d and norm.track_running_stats:
            found.append((before, name))
    return found
