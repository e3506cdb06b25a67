"""The same weights in the network of the library that it comes from: whether the features are the same."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vesalius.encoders.agreement import probe_images
from vesalius.encoders.encoder import Encoder

_OF_TORCHVISION = ("resnet18", "resnet34", "resnet50", "resnet101", "densenet121")
_ODD = 97
"""Pixels that become 49, 25, 13, 7 and 4."""


def reference_network(architecture: str, tensors: Mapping[str, Tensor]) -> nn.Module | None:
    """torchvision's ``architecture`` without its classifier, filled with ``tensors``, in evaluation mode; None where it has none."""
    if architecture not in _OF_TORCHVISION:
        return None
    from torchvision import models

    with torch.device("meta"):  # nothing is drawn that would be overwritten
        network: nn.Module = models.get_model(architecture, weights=None)
    network.set_submodule("classifier" if architecture.startswith("densenet") else "fc", nn.Identity())
    network.load_state_dict(tensors, assign=True)
    return network.eval()


def difference(encoder: Encoder) -> float | None:
    """The largest difference of ``encoder``'s features to the reference's for two images of half its size, over the largest
    feature; None where there is no reference: another network, or one of another stem, width or number of channels.

    Where the network pads otherwise than torch, images are of a size at which all layers see odd sides: there it makes no difference.
    """
    card = encoder.card
    plain = card.options.get("stem") == "standard" and card.options.keys() <= {"stem", "padding"} and card.channels == 3
    network = reference_network(card.architecture, encoder.network.state_dict()) if plain else None
    if network is None:
        return None
    size = (_ODD, _ODD) if "padding" in card.options else tuple(max(64, side // 2) for side in card.size)
    x = probe_images(card.model_copy(update={"size": size}), 2)
    with torch.no_grad():
        ours, theirs = encoder(x).pooled, network(encoder.standardised(x))
    return float((ours - theirs).abs().max() / theirs.abs().max())
