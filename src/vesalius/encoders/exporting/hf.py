"""A folder as the Hugging Face hub holds timm's models: ``config.json``, ``model.safetensors``, a model card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.exported import Exported, Reloaded, standardise, standardised
from vesalius.encoders.exporting.timm import FILE, refusal
from vesalius.encoders.saving import tensor_bytes
from vesalius.encoders.twins import Twin, timm_twin
from vesalius.files import atomic_write

__all__ = ["refusal", "reload", "write"]

LICENCES = ("apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-sa-4.0", "cc0-1.0", "openrail")
"""Identifiers of the hub that a card may name outright; any other text becomes ``other``, with the text below."""


def write(encoder: Encoder, out: Path) -> Exported:
    """The folder that ``timm.create_model("local-dir:FOLDER", pretrained=True)`` loads, and ``hf-hub:`` once uploaded."""
    twin, card = timm_twin(encoder), encoder.card
    atomic_write(out / FILE, tensor_bytes(twin.tensors))
    atomic_write(out / "config.json", json.dumps(_config(encoder, twin), indent=2) + "\n")
    code = (
        "import timm, torch",
        'model = timm.create_model("local-dir:.", pretrained=True, num_classes=0).eval()',
        *standardised(card, "model"),
    )
    return Exported(FILE, twin.name, "timm", code, inside=False, front=_front(card))


def reload(out: Path, facts: Mapping[str, Any]) -> Reloaded:
    """timm's network, built and filled by what the folder says."""
    import timm

    model = timm.create_model(f"local-dir:{out}", pretrained=True, num_classes=0).eval()
    config: Any = model.pretrained_cfg
    given = {key: list(config[key]) for key in ("mean", "std")}

    def features(x: Tensor) -> Mapping[str, Tensor]:
        return {"pooled": model(standardise(x, {"input": given}))}

    return features


def _config(encoder: Encoder, twin: Twin) -> dict[str, Any]:
    """timm's ``config.json``. Its preprocessing is the card's: the shorter side resized, the middle cut out."""
    import timm

    card, known = encoder.card, timm.get_pretrained_cfg(twin.name)
    none = (0.0,) * card.channels, (1.0,) * card.channels
    mean, std = (card.mean, card.std) if card.mean else none
    pretrained = {
        "tag": "vesalius",
        "custom_load": False,
        "input_size": [card.channels, *card.size],
        "fixed_input_size": "img_size" in twin.keywords,
        "interpolation": "bilinear",
        "crop_pct": 1.0,
        "crop_mode": "center",
        "mean": list(mean),
        "std": list(std),
        "num_classes": 0,
        "pool_size": None,
        # timm's own names for both: whoever asks for a head or for other channels gets the rest of the weights
        "first_conv": known.first_conv if known is not None else None,
        "classifier": known.classifier if known is not None else None,
    }
    facts = {"architecture": twin.name.partition(".")[0], "num_classes": 0, "num_features": card.dim}
    return {**facts, "model_args": dict(twin.keywords), "pretrained_cfg": pretrained}


def _front(card: Card) -> str:
    licence = card.licence.strip().lower()
    tags = ("image-feature-extraction", "timm", "self-supervised", "vesalius")
    lines = ["---", "tags:", *(f"- {tag}" for tag in tags), "library_name: timm", "pipeline_tag: image-feature-extraction"]
    return "\n".join([*lines, f"license: {licence if licence in LICENCES else 'other'}", "---", ""])
