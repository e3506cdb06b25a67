"""The layout of the Lightly Worker: ``model.backbone.0`` to ``7``, a sequence, and ``model.projection_head.layers``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vesalius.encoders.encoder import Card
from vesalius.encoders.layouts.contents import Contents
from vesalius.encoders.layouts.told import Architecture, channels_in_words, count_of
from vesalius.encoders.lightly_resnet import DEPTHS

ROLES = ("norm", "body.conv1", "body.bn1", "body.layer1", "body.layer2", "body.layer3", "body.layer4", "last")
"""What of our network stands at each place of the sequence; behind them is a mean, which has no tensors."""
BACKBONE, HEAD, CARD = "model.backbone.", "model.projection_head.layers.", "vesalius_card"
_HEAD = re.compile(r"(?:^|\.)projection_head\.layers\.(\d+\.\w+)$")
_SIDE = 64
"""Pixels per side that the Worker trains and embeds at where nothing else is said."""


@dataclass(frozen=True)
class Found:
    """``tensors`` under our network's names; ``head``: those of the projection head, by layer (``0.weight``); ``card``: of a file that we wrote."""

    tensors: Mapping[str, Tensor]
    head: Mapping[str, Tensor]
    architecture: Architecture
    card: Card | None


def read(part: Mapping[str, Tensor], contents: Contents) -> Found | None:
    """The Worker's network in ``part``, the tensors of a backbone by their places; None where it is not that network."""
    part = {name: tensor for name, tensor in part.items() if name.partition(".")[0].isdigit()}
    places = {name.partition(".")[0] for name in part}
    shapes = {name: tuple(part[name].shape) for name in ("1.weight", "7.weight") if name in part}
    if places != set(map(str, range(len(ROLES)))) or "0.running_mean" not in part or {len(shape) for shape in shapes.values()} != {4}:
        return None
    if shapes["1.weight"][2:] != (3, 3) or shapes["7.weight"][2:] != (1, 1) or shapes["1.weight"][1] != len(part["0.running_mean"]):
        return None
    stages = tuple(count_of(part, rf"{place}\.(\d+)\.") for place in (3, 4, 5, 6))
    bottleneck = "3.0.conv3.weight" in part
    name = next((name for name, depth in DEPTHS.items() if depth == (bottleneck, stages)), None)
    if name is None:
        return None
    base, channels, num_ftrs = shapes["1.weight"][0], shapes["1.weight"][1], shapes["7.weight"][0]
    head = {found[1]: tensor for key, tensor in contents.tensors.items() if (found := _HEAD.search(key))}
    card = card_of(contents)
    options: dict[str, Any] = {"num_ftrs": num_ftrs} | ({"width": base / 64} if base != 64 else {})
    out = f", out_dim {out_dim(head)}" if head else ""
    wide = f", width {base / 64:g}" if base != 64 else ""
    words = f"{name}{wide}, num_ftrs {num_ftrs}{out}, {channels_in_words(channels)}"
    architecture = Architecture(name, options, channels, (_SIDE, _SIDE) if card is None else card.size, words)
    return Found({_ours(key): tensor for key, tensor in part.items()}, head, architecture, card)


def out_dim(head: Mapping[str, Tensor]) -> int | None:
    """The length of the vector that a projection head puts out; None without one."""
    layers = sorted((int(name.partition(".")[0]), len(tensor)) for name, tensor in head.items() if tensor.ndim == 2)
    return layers[-1][1] if layers else None


def written(tensors: Mapping[str, Tensor], head: Mapping[str, Tensor], card: Card) -> dict[str, Any]:
    """The content of a checkpoint: ``tensors`` of our network and its ``head`` as the Worker names them, and our card beside them.

    A network that the Worker has not keeps its own names; our card says which it is.
    """
    names = _theirs if card.architecture in DEPTHS else str
    named = {BACKBONE + names(name): tensor for name, tensor in tensors.items()} | {HEAD + name: tensor for name, tensor in head.items()}
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in named.items()}
    return {"state_dict": plain, "hyper_parameters": {CARD: card.model_dump_json()}}


def _ours(place: str) -> str:
    number, _, rest = place.partition(".")
    return f"{ROLES[int(number)]}.{rest.replace('.shortcut.', '.downsample.')}"


def _theirs(name: str) -> str:
    number, role = next((number, role) for number, role in enumerate(ROLES) if name.startswith(f"{role}."))
    return f"{number}.{name.removeprefix(f'{role}.').replace('.downsample.', '.shortcut.')}"


def card_of(contents: Contents) -> Card | None:
    """Our card in a file that ``written`` made."""
    try:
        return Card.model_validate(json.loads(str(contents.settings[CARD])))
    except (KeyError, ValueError):
        return None
