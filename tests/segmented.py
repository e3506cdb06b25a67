"""A small segmentation: synthetic heads, a list of them with parts, a recipe of a few steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.volumes import LABELS, write_tree

PLAN: dict[str, Any] = {
    "modality": "mr", "spacing": [2.0, 2.0, 3.0], "intensity": {"rule": "zscore"}, "foreground": "nonzero", "patch": [16, 16, 16]
}  # fmt: skip
RECIPE: dict[str, Any] = {
    "extends": "volume-segmentation",
    "encoder": {"name": "monai:segresnet", "init_filters": 4, "blocks_down": [1, 1]},
    "optimizer": {"lr": 5e-3},
    "steps": 8,
    "batch_size": 4,
    "validate_every": {"steps": 4},
    "checkpoint_every": {"steps": 4},
    "device": "cpu",
    "precision": "fp32",
}


def heads(folder: Path, train: int = 4, val: int = 2, test: int = 2, *, side: int = 20, axes: str = "RAS") -> Path:
    """Heads with labels below ``folder`` and the list of them, whose path is returned."""
    count = train + val + test
    write_tree(folder, count, side=side, axes=axes)
    entries = [{"image": f"imagesTr/case_{n:03}.nii.gz", "label": f"labelsTr/case_{n:03}.nii.gz"} for n in range(count)]
    parts = {"training": entries[:train], "validation": entries[train : train + val], "test": entries[train + val :]}
    file = folder / "list.json"
    file.write_text(json.dumps({"labels": {str(value): name for value, name in enumerate(LABELS)}, **parts}))
    return file
