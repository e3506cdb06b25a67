"""A user's own network: ``my_file.py:build`` returns any ``nn.Module`` that maps ``(B, C, *spatial)`` to features."""

from __future__ import annotations

import hashlib
import inspect
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vesalius.encoders.encoder import Encoder, Encoding, from_map
from vesalius.encoders.probing import dummy_forward
from vesalius.errors import UserError
from vesalius.registry import import_attribute

_used: dict[str, Path] = {}
"""Files the user built from in this process, by name: found again when a run of this process is loaded."""


class OwnEncoder(Encoder):
    """Wraps a module that returns a vector (B, D), a map (B, D, *spatial), tokens (B, N, D) or an ``Encoding``."""

    def encode(self, x: Tensor, keep: Tensor | None, hide: Tensor | None) -> Encoding:
        """See ``Encoder``; ``keep`` and ``hide`` are handed on where the network's forward takes them."""
        masks = {"keep": keep, "hide": hide} if self.card.tokens else {}
        return as_encoding(self.network(x, **masks), x)


def as_encoding(out: Any, x: Tensor) -> Encoding:
    """``out`` of a user's network for input ``x`` (B, C, *size) as an Encoding. Tokens are pooled by their mean, and laid out as a
    map where their number fits the input's shape. Raises UserError for anything else.
    """
    if isinstance(out, tuple) and len(out) == 3 and all(isinstance(part, Tensor) for part in out):
        return Encoding(*out)
    dims = x.ndim - 2
    if isinstance(out, Tensor) and out.shape[:1] == x.shape[:1]:
        if out.ndim == 2:
            return Encoding(out, out[(..., *[None] * dims)], out[:, None])
        if out.ndim == x.ndim:
            return from_map(out)
        if out.ndim == 3:
            return Encoding(
                out.mean(1), out.mT.reshape(*out.mT.shape[:2], *_grid(out.shape[1], tuple(x.shape[2:]))), out
            )
    what = f"a tensor of shape {tuple(out.shape)}" if isinstance(out, Tensor) else f"a {type(out).__name__}"
    raise UserError(
        f"The network returned {what} for an input of shape {tuple(x.shape)}. Return a vector (B, D), a map "
        "(B, D, *spatial), tokens (B, N, D), or a vesalius.encoders.Encoding(pooled, map, tokens)."
    )


def locate(reference: str, code: str | Path | None, from_card: bool) -> str:
    """The path of the user's file and its attribute. A card holds the file's name only, and code that lies beside
    downloaded weights is never run: the file is looked for in ``code``, this process and the current folder.
    Raises UserError where the file is in none of them.
    """
    file, _, attribute = reference.rpartition(":")
    path = Path(file).expanduser()
    if from_card:
        path = Path(code) if code is not None else _used.get(path.name, Path(path.name))
    if not path.is_file():
        file_name = Path(file).name
        raise UserError(
            f"The network was built by {attribute!r} of {file_name}, and {path} is not there. Put {file_name} into the "
            f"current folder, or say where it is: load_encoder(..., code='FOLDER/{file_name}')."
        )
    _used[path.name] = path.resolve()
    return f"{path.resolve()}:{attribute}"


def build(name: str, *, channels: int, size: tuple[int, ...], **options: Any) -> tuple[Encoder, dict[str, Any]]:
    """Call the user's function with ``channels`` and ``size``, where it takes them, and ``options``.

    Raises UserError where it cannot be called so, or returns no module.
    """
    file, _, attribute = name.rpartition(":")
    make = import_attribute(name)
    parameters = inspect.signature(make).parameters
    offered = {k: v for k, v in {"channels": channels, "size": size}.items() if k in parameters}
    short = f"{Path(file).name}:{attribute}"
    try:
        inspect.signature(make).bind(**offered, **options)
    except TypeError as error:
        raise UserError(f"{short} cannot be called with {', '.join(options) or 'no options'}: {error}.") from error
    network = make(**offered, **options)
    if not isinstance(network, nn.Module):
        raise UserError(f"{short} returned a {type(network).__name__}. It must return a torch.nn.Module.")
    forward = inspect.signature(network.forward).parameters
    masks = "keep" in forward and "hide" in forward
    as_encoding(dummy_forward(network, channels, size), torch.empty(2, channels, *size))
    digest = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    return OwnEncoder(network), {"architecture": short, "tokens": masks, "pooling": "own", "code": digest}


def _grid(count: int, size: tuple[int, ...]) -> tuple[int, ...]:
    """Sides of a grid of ``count`` tokens in the input's proportions, or one row."""
    scale = (count / math.prod(size)) ** (1 / len(size))
    sides = tuple(max(1, round(side * scale)) for side in size)
    return sides if math.prod(sides) == count else (count, *[1] * (len(size) - 1))
