"""What every target of an export says of the folder it wrote, and the words for standardisation that all share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from vesalius.encoders.encoder import Card, Encoder

Reloaded = Callable[[Tensor], Mapping[str, Tensor]]
"""``(B, C, *size)`` in [0, 1] to outputs by name, made by the target's own library from the files alone."""

_PART = r"[^\s/\\'\",;:]+"
_PATH = re.compile(
    # from a root, a drive, the home folder or here; or any that ends in a file's name with a suffix. Addresses stay.
    rf"(?<![\w:/\\.~@-])(?:(?:file:/*|[A-Za-z]:|~|\.{{1,2}})?[/\\](?:{_PART}[/\\])*({_PART})"
    rf"|(?:{_PART}[/\\])+({_PART}\.\w{{2,12}}))"
)


@dataclass(frozen=True)
class Exported:
    """What was written into an export's folder and how a stranger loads it.

    ``file``: the one with the weights; ``model``: the network's name in the target; ``library``: the package that loads
    it; ``code``: Python lines, run inside the folder, that make ``features`` (B, D) of ``images`` (B, C, *size) in
    [0, 1]; ``inside``: whether what is loaded subtracts mean and divides by deviation itself; ``load``: what ``reload``
    needs beside the files; ``front``: lines before the README's first.
    """

    file: str
    model: str
    library: str
    code: tuple[str, ...]
    inside: bool
    load: Mapping[str, Any] = field(default_factory=dict)
    front: str = ""


def standardised(card: Card, model: str, images: str = "images") -> tuple[str, ...]:
    """Lines that standardise ``images`` as ``card`` says and give them to ``model``, which does not do it itself."""
    if not card.mean:
        return (f"features = {model}({images})",)
    ones = ", 1" * len(card.size)
    mean, std = (f"torch.tensor({list(values)}).view(1, -1{ones})" for values in (card.mean, card.std))
    return (f"mean, std = {mean}, {std}", f"features = {model}(({images} - mean) / std)")


def standardise(x: Tensor, facts: Mapping[str, Any]) -> Tensor:
    """``x`` (B, C, *size) less the mean and over the deviation in the facts of an export; as it is where there are none."""
    if not facts["input"]["mean"]:
        return x
    shape = (1, -1, *[1] * (x.ndim - 2))
    mean, std = (torch.tensor(facts["input"][key]).view(shape) for key in ("mean", "std"))
    return (x - mean) / std


def without_paths(card: Card) -> Card:
    """``card`` with every path in its free text cut to the last part: a card travels, the places of files do not."""
    changed: dict[str, Any] = {key: _cut(getattr(card, key)) for key in ("trained_on", "licence")}
    return card.model_copy(update={**changed, "notes": [_cut(note) for note in card.notes]})


def _cut(text: str) -> str:
    return _PATH.sub(lambda found: found[1] or found[2], text)


def described(encoder: Encoder) -> str:
    """The architecture with its options, in a few words for messages."""
    options = ", ".join(f"{key} {value}" for key, value in encoder.card.options.items())
    return f"{encoder.card.architecture}" + (f" ({options})" if options else "")
