"""A checkpoint of the Lightly Worker: ``{"state_dict": {"model.backbone.0.weight": ...}}``, as its document writes one."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vesalius.encoders.encoder import Card, Encoder, Encoding
from vesalius.encoders.exported import Exported, Reloaded, standardised, without_paths
from vesalius.encoders.layouts.worker import BACKBONE, written
from vesalius.encoders.lightly_resnet import NAMES, LightlyEncoder, theirs
from vesalius.encoders.loading import load_encoder
from vesalius.files import atomic_write

FILE = "checkpoint.ckpt"


def refusal(card: Card) -> str:
    """Why the Worker has no such network."""
    if card.architecture not in NAMES:
        return f"the Lightly Worker has one kind of network, {NAMES[0]} to {NAMES[-1]} here, and its tensors are no other's"
    return "" if card.channels == 3 else f"lightly's networks take 3 channels, and it takes {card.channels}"


def write(encoder: Encoder, out: Path) -> Exported:
    """``checkpoint.ckpt``, with the projection head where the encoder's run kept one; our card lies in it too."""
    keep(encoder, out / FILE)
    name, width = theirs(encoder.card.architecture), encoder.card.options.get("width", 1)
    code = (
        "import torch",
        "from lightly.models import ResNetGenerator, batchnorm",
        f'tensors = torch.load("{FILE}", weights_only=True)["state_dict"]',
        f'body = list(ResNetGenerator(name="{name}", width={width:g}).children())[:-1]',
        "model = torch.nn.Sequential(batchnorm.get_norm_layer(3, 0), *body, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(1)).eval()",
        f'own = {{k.removeprefix("{BACKBONE}"): v for k, v in tensors.items() if "projection_head" not in k and "backbone.7" not in k}}',
        "model.load_state_dict(own)",
        *standardised(encoder.card, "model"),
    )
    return Exported(FILE, name, "lightly", code, inside=False)


def keep(encoder: Encoder, file: Path) -> None:
    """Write ``file`` alone, which says everything of itself. A network that the Worker has not is under its own names: ``load_encoder`` reads it."""
    content = io.BytesIO()
    head = encoder.head if isinstance(encoder, LightlyEncoder) else {}
    torch.save(written(encoder.network.state_dict(), head, without_paths(encoder.card)), content)
    atomic_write(file, content.getvalue())


def reload(out: Path, facts: Mapping[str, Any]) -> Reloaded:
    """The network that the file tells of, filled with all of it; lightly itself loads it in our tests."""
    torch.load(out / FILE, weights_only=True)
    encoder = load_encoder(out / FILE)

    def features(x: Tensor) -> Mapping[str, Tensor]:
        found: Encoding = encoder(x)
        return found._asdict()

    return features
