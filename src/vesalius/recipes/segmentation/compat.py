"""What ``compat: monai-tutorial`` brings back of MONAI's self-supervised tutorial where it fine-tunes on BTCV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vesalius.errors import UserError

_CHANGES: Mapping[str, Any] = {
    "views": "btcv-segmentation",
    "sliding": {"overlap": 0.25, "mode": "constant", "batch": 4},
    "metric": "dice_monai_tutorial",
    "loss": {"include_background": True},
    "optimizer": {
        "name": "adamw", "lr": 1e-4, "weight_decay": 1e-5, "decay_by": "all", "layer_decay": None, "warmup": {"steps": 0},
        "schedule": {"name": "constant"},
    },
    "patience": None,
    "data": {
        "plan": {
            "orientation": "RAS", "spacing": [1.5, 1.5, 2.0], "intensity": {"rule": "window", "low": -175, "high": 250},
            "foreground": -175, "crop": True, "patch": [96, 96, 96],
        },
    },
}  # fmt: skip
SENTENCES = (
    "compat monai-tutorial: windows overlap by a quarter and count alike over their whole width, the weights are chosen by the mean of "
    "running means of Dice with background, and volumes are prepared as the tutorial's fine-tuning did, whatever the encoder learnt from.",
    "compat monai-tutorial: the volumes that choose the weights are also those that are reported; there is no test.",
)


def changes(word: str) -> dict[str, Any]:
    """Changes to a recipe for ``compat: word``. Raises UserError for an unknown word."""
    if word != "monai-tutorial":
        raise UserError(f"compat is {word!r}; of segmentation known: none, monai-tutorial.")
    return dict(_CHANGES)


def sentences(word: str) -> list[str]:
    """What to say of a fine-tuning under ``compat: word``."""
    return list(SENTENCES) if word == "monai-tutorial" else []
