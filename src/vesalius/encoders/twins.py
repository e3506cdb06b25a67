"""The network of timm or torchvision that an encoder's tensors fit, by name, and what must be changed in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from vesalius.encoders import densenet, resnet, timm_family, torchvision_family
from vesalius.encoders.channels import Convolution, first_convolution
from vesalius.encoders.encoder import Card, Encoder

SHARED = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d"),
    *("wide_resnet50_2", "wide_resnet101_2", "densenet121", "densenet161", "densenet169", "densenet201"),
)
"""Networks that timm and torchvision have under one name, with one name for each tensor and the same features."""

Change = tuple[str, str, dict[str, Any]]
"""A module to be replaced: its name, a class of ``torch.nn`` and that class's keywords."""


class NoTwin(Exception):
    """The target library has no such network; the message is the reason, a clause."""


@dataclass(frozen=True)
class Twin:
    """``name`` and ``keywords`` build the target's network; ``changes`` fit it; ``tensors`` then fill it, all of them."""

    name: str
    keywords: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    changes: tuple[Change, ...] = ()


def timm_name(card: Card) -> str:
    """The name under which timm knows the network of ``card``. Raises NoTwin."""
    if card.architecture.startswith("timm:"):
        return card.architecture.removeprefix("timm:")
    name = _shared_name(card, "timm")
    stem = card.options.get("stem", "small")
    if name == card.architecture and stem != "standard":
        raise NoTwin(f"timm's {name} has the standard stem alone, this one the {stem}")
    return name


def timm_twin(encoder: Encoder) -> Twin:
    """timm's network for ``encoder``, without classifier. Raises NoTwin."""
    name, card = timm_name(encoder.card), encoder.card
    own = card.architecture == f"timm:{name}"
    network, keywords = timm_family.create(name, card.channels, card.size, dict(card.options) if own else {})
    return Twin(name, keywords, _fitting(encoder, network, "timm", name))


def torchvision_name(card: Card) -> str:
    """The name under which torchvision knows the network of ``card``. Raises NoTwin."""
    if card.architecture.startswith("torchvision:"):
        return card.architecture.removeprefix("torchvision:")
    return _shared_name(card, "torchvision")


def torchvision_twin(encoder: Encoder) -> Twin:
    """torchvision's network for ``encoder``: its last layer taken away, its stem and channels ours. Raises NoTwin."""
    name, card = torchvision_name(encoder.card), encoder.card
    own = card.architecture == f"torchvision:{name}"
    keywords = {**torchvision_family.defaults(name, card.size), **(card.options if own else {})}
    network = torchvision_family.create(name, keywords)
    head = torchvision_family.last_layer(network)
    changes: list[Change] = [] if head is None else [(head, "Identity", {})]
    ours, theirs = first_convolution(encoder.network), first_convolution(network)
    if ours is not None and theirs is not None and _keywords(ours[1]) != _keywords(theirs[1]):
        changes.append((theirs[0], type(theirs[1]).__name__, _keywords(ours[1])))
    if card.architecture == name and card.options.get("stem", "small") == "small":
        changes.append(("features.pool0" if name in densenet.NAMES else "maxpool", "Identity", {}))
    apply_changes(network, changes)
    return Twin(name, keywords, _fitting(encoder, network, "torchvision", name), tuple(changes))


def apply_changes(network: nn.Module, changes: Any) -> None:
    """Replace modules of ``network`` as ``changes`` say, in place."""
    for name, kind, keywords in changes:
        network.set_submodule(name, getattr(nn, kind)(**keywords))


def _shared_name(card: Card, library: str) -> str:
    """The name that both libraries have, for a network of ours or of the other library. Raises NoTwin."""
    family, _, name = card.architecture.rpartition(":")
    if card.architecture in (*resnet.NAMES, *densenet.NAMES):
        if len(card.size) != 2:
            raise NoTwin(f"{library} has no network of {len(card.size)} dimensions")
        if card.options.get("width", 1.0) != 1.0:
            raise NoTwin(f"{library}'s {name} has the width 1, this one {card.options['width']}")
        if (padding := card.options.get("padding", "symmetric")) != "symmetric":
            raise NoTwin(f"{library}'s {name} pads symmetrically, this one {padding}")
        if not card.options.get("final_relu", True):
            raise NoTwin(f"{library}'s {name} ends in a ReLU, this one does not")
        return name
    plain = name.partition(".")[0]
    if family in ("timm", "torchvision") and plain in SHARED and not card.options:
        return plain
    if family in ("timm", "torchvision"):
        why = f" with {', '.join(card.options)}" if card.options and plain in SHARED else ""
        raise NoTwin(f"{library} has no network with the layers and names of {card.architecture}{why}")
    raise NoTwin(f"{library} has no network of the name {card.architecture}")


def _fitting(encoder: Encoder, network: nn.Module, library: str, name: str) -> dict[str, Tensor]:
    """The encoder's tensors that fill ``network``, all of it; a mask token that timm's network lacks is left out."""
    ours, wanted = encoder.network.state_dict(), network.state_dict()
    wrong = [key for key in wanted if key not in ours or ours[key].shape != wanted[key].shape]
    wrong += [key for key in ours if key not in wanted and key != "mask_token"]
    if wrong:
        raise NoTwin(f"{library}'s {name} has other tensors ({', '.join(wrong[:3])})")
    return {key: ours[key] for key in wanted}


def _keywords(layer: Convolution) -> dict[str, Any]:
    return {
        "in_channels": layer.in_channels,
        "out_channels": layer.out_channels,
        "kernel_size": list(layer.kernel_size),
        "stride": list(layer.stride),
        "padding": layer.padding if isinstance(layer.padding, str) else list(layer.padding),
        "bias": layer.bias is not None,
    }
