"""A state dict under MONAI's names, which its networks and the encoders in its segmenters load strictly."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.exported import Exported, Reloaded, standardise, standardised
from vesalius.encoders.loading import read_tensors
from vesalius.encoders.monai_family import NAMES
from vesalius.files import atomic_write

FILE = "model.pt"
_CLASSES = {
    "monai:vit": ("monai.networks.nets", "ViT"),
    "monai:swin_unetr": ("monai.networks.nets.swin_unetr", "SwinTransformer"),
    "monai:segresnet": ("monai.networks.nets.segresnet_ds", "SegResEncoder"),
}
_WITHIN = {
    "monai:vit": "UNETR(..., hidden_size={hidden_size}, mlp_dim={mlp_dim}, num_heads={num_heads}).vit",
    "monai:swin_unetr": "SwinUNETR(..., feature_size={embed_dim}).swinViT",
    "monai:segresnet": "SegResNetDS(..., init_filters={init_filters}).encoder",
}
"""Where a segmenter of MONAI has the same network."""
_POOLED = {"monai:vit": "model({})[0].mean(1)"}
_OF_MAPS = "model({})[-1].flatten(2).mean(2)"


def refusal(card: Card) -> str:
    """Why MONAI has no such network."""
    if card.architecture in NAMES:
        return ""
    return f"MONAI has no network of the name {card.architecture}; its own are {', '.join(NAMES)}"


def write(encoder: Encoder, out: Path) -> Exported:
    """``model.pt``: plain tensors, which torch loads with ``weights_only``."""
    card = encoder.card
    content = io.BytesIO()
    torch.save(
        {name: tensor.detach().contiguous().clone() for name, tensor in encoder.network.state_dict().items()}, content
    )
    atomic_write(out / FILE, content.getvalue())
    keywords: Any = encoder.network.built_with
    module, name = _CLASSES[card.architecture]
    arguments = ", ".join(f"{key}={value!r}" for key, value in keywords.items())
    *lines, last = standardised(card, "model")
    code = (
        "import torch",
        f"from {module} import {name}",
        f"model = {name}({arguments}).eval()",
        f'model.load_state_dict(torch.load("{FILE}", weights_only=True))',
        *lines,
        "features = " + _pooled(card.architecture).format(last.removeprefix("features = model(").removesuffix(")")),
        f'# in a segmenter: {_WITHIN[card.architecture].format(**keywords)}.load_state_dict(torch.load("{FILE}", weights_only=True))',
    )
    return Exported(FILE, card.architecture, "monai", code, inside=False, load={"keywords": keywords})


def reload(out: Path, facts: Mapping[str, Any]) -> Reloaded:
    """MONAI's own network, filled strictly."""
    from importlib import import_module

    module, name = _CLASSES[facts["model"]]
    model: nn.Module = getattr(import_module(module), name)(**facts["load"]["keywords"]).eval()
    model.load_state_dict(read_tensors(out / FILE))

    def features(x: Tensor) -> Mapping[str, Tensor]:
        found = model(standardise(x, facts))
        if facts["model"] == "monai:vit":
            return {"pooled": found[0].mean(1), "tokens": found[0]}
        return {"pooled": found[-1].flatten(2).mean(2), "map": found[-1]}

    return features


def _pooled(architecture: str) -> str:
    return _POOLED.get(architecture, _OF_MAPS)
