"""What of an encoder is inverted: its last map, tokens or vector, or what a module of its network puts out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder
from vesalius.errors import UserError

OWN = ("map", "tokens", "pooled")
"""Words for what an encoder itself puts out (``Encoding``); any other is the name of a module."""


def features(encoder: Encoder, x: Float[Tensor, "images channels rows columns"], layer: str) -> Float[Tensor, " images *shape"]:
    """What ``layer`` puts out for ``x``, pictures in [0, 1]; differentiable.

    Raises UserError for a name that the network has not, for a module that does not run, and for one that puts out anything but a tensor with
    a row for each image.
    """
    if layer in OWN:
        whole: Tensor = getattr(encoder(x), layer)
        return whole
    found = encoder.layers(x, [layer]).get(layer)
    if not isinstance(found, Tensor) or found.shape[:1] != x.shape[:1]:
        said = "does not run for an image" if found is None else "does not put out one tensor with a row for each image"
        raise UserError(f"The layer {layer!r} of {encoder.card.architecture} {said}, so that it cannot be inverted. Name another, or one of {', '.join(OWN)}.")
    return found


def module_of(encoder: Encoder, x: Tensor, layer: str) -> str:
    """The name of the module that puts out what is called ``layer`` for ``x`` (B, C, *size), the outermost of several;
    ``layer`` itself where it is such a name, and empty where what comes out is no module's own.
    """
    if layer not in OWN:
        return layer
    seen: list[tuple[str, Any]] = []
    handles = [
        module.register_forward_hook(lambda _, __, output, name=name: seen.append((name, output)))
        for name, module in encoder.network.named_modules()
        if name
    ]
    try:
        wanted = features(encoder, x, layer)
    finally:
        for handle in handles:
            handle.remove()
    same = [name for name, output in seen if isinstance(output, Tensor) and output.shape == wanted.shape and output.data_ptr() == wanted.data_ptr()]
    return min(same, key=lambda name: name.count("."), default="")


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Inside, no parameter of ``module`` takes gradients; afterwards those do that did."""
    learning = [parameter for parameter in module.parameters() if parameter.requires_grad]
    try:
        for parameter in learning:
            parameter.requires_grad_(False)
        with torch.enable_grad():
            yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
