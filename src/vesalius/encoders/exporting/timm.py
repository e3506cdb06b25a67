"""A file of weights that ``timm.create_model(..., checkpoint_path=FILE)`` loads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.exported import Exported, Reloaded, standardise, standardised
from vesalius.encoders.saving import tensor_bytes
from vesalius.encoders.twins import NoTwin, timm_name, timm_twin
from vesalius.files import atomic_write

FILE = "model.safetensors"


def refusal(card: Card) -> str:
    """Why timm has no such network."""
    try:
        timm_name(card)
    except NoTwin as reason:
        return str(reason)
    return ""


def write(encoder: Encoder, out: Path) -> Exported:
    """``model.safetensors`` with timm's names. Raises NoTwin where the tensors are not timm's after all."""
    twin = timm_twin(encoder)
    atomic_write(out / FILE, tensor_bytes(twin.tensors))
    keywords = "".join(f", {key}={value!r}" for key, value in twin.keywords.items())
    code = (
        "import timm, torch",
        f'model = timm.create_model("{twin.name}", pretrained=False, num_classes=0, checkpoint_path="{FILE}"{keywords}).eval()',
        *standardised(encoder.card, "model"),
    )
    return Exported(FILE, twin.name, "timm", code, inside=False, load={"keywords": dict(twin.keywords)})


def reload(out: Path, facts: Mapping[str, Any]) -> Reloaded:
    """timm's network, filled by timm."""
    import timm

    keywords, file = facts["load"]["keywords"], str(out / FILE)
    model = timm.create_model(facts["model"], pretrained=False, num_classes=0, checkpoint_path=file, **keywords).eval()

    def features(x: Tensor) -> Mapping[str, Tensor]:
        return {"pooled": model(standardise(x, facts))}

    return features
