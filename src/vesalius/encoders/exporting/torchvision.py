"""A file of weights for ``torchvision.models``, without the last layer."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.exported import Exported, Reloaded, standardise, standardised
from vesalius.encoders.loading import read_tensors
from vesalius.encoders.twins import NoTwin, apply_changes, torchvision_name, torchvision_twin
from vesalius.files import atomic_write

FILE = "model.pth"


def refusal(card: Card) -> str:
    """Why torchvision has no such network."""
    try:
        torchvision_name(card)
    except NoTwin as reason:
        return str(reason)
    return ""


def write(encoder: Encoder, out: Path) -> Exported:
    """``model.pth``, plain tensors under torchvision's names. Raises NoTwin where the tensors are not torchvision's.

    A network of another stem or number of channels takes a line for each module to be replaced: torchvision's functions
    have no argument for either.
    """
    twin = torchvision_twin(encoder)
    content = io.BytesIO()
    torch.save({name: tensor.detach().contiguous().clone() for name, tensor in twin.tensors.items()}, content)
    atomic_write(out / FILE, content.getvalue())
    keywords = "".join(f", {key}={value!r}" for key, value in twin.keywords.items())
    code = (
        "import torch, torchvision",
        f'model = torchvision.models.get_model("{twin.name}", weights=None{keywords}).eval()',
        *(
            f'model.set_submodule("{name}", torch.nn.{kind}({", ".join(f"{k}={v!r}" for k, v in options.items())}))'
            for name, kind, options in twin.changes
        ),
        f'model.load_state_dict(torch.load("{FILE}", weights_only=True))',
        *standardised(encoder.card, "model"),
    )
    load = {"keywords": dict(twin.keywords), "changes": [list(change) for change in twin.changes]}
    return Exported(FILE, twin.name, "torchvision", code, inside=False, load=load)


def reload(out: Path, facts: Mapping[str, Any]) -> Reloaded:
    """torchvision's network, filled strictly."""
    from torchvision import models

    model = models.get_model(facts["model"], weights=None, **facts["load"]["keywords"]).eval()
    apply_changes(model, facts["load"]["changes"])
    model.load_state_dict(read_tensors(out / FILE))

    def features(x: Tensor) -> Mapping[str, Tensor]:
        return {"pooled": model(standardise(x, facts)).flatten(1)}

    return features
