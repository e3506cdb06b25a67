"""What ``compat: monai-tutorial`` brings back of MONAI's self-supervised tutorial where it pretrains.

Its fine-tuning: ``recipes.segmentation.compat``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vesalius.errors import UserError

METHOD = "restoration"
_CHANGES: Mapping[str, Any] = {
    "data": {
        "allow_leakage": True,
        "draws_per_sample": 2,
        "plan": {
            "modality": "ct", "orientation": "native", "spacing": [2.0, 2.0, 2.0], "foreground": -57, "crop": True,
            "intensity": {"rule": "window", "low": -57, "high": 164, "clip": True},
        },
    },
    "views": "ct-restoration-anywhere",
    "method": {"name": METHOD, "temperature": 0.05, "contrastive": 1.0, "reconstruct": "first", "decoder": 16},
    "optimizer": {
        "name": "adam", "lr": 1e-4, "weight_decay": 0.0, "warmup": {"steps": 0}, "schedule": {"name": "constant"},
    },
    "export": "best-reconstruction",
    "precision": "fp32",
}  # fmt: skip
SENTENCES = (
    "compat monai-tutorial: volumes are not turned to one orientation, so that an organ lies left or right, up or down, as its file has it.",
    "compat monai-tutorial: a person may be in the training and in the validation part, as 23 of its own list are, and validation is then too good.",
    "compat monai-tutorial: the encoder is that of the best validation error, which is the one that is reported too.",
)


def changes(method: str) -> dict[str, Any]:
    """Changes to the recipe of a pretraining by ``method``. Raises UserError for a method that the tutorial did not have."""
    if method != METHOD:
        raise UserError(
            f"compat monai-tutorial brings back how MONAI's tutorial pretrained, which was by restoration, and this recipe's method is {method}."
            " Leave compat out, or begin with tcia-restoration."
        )
    return dict(_CHANGES)
