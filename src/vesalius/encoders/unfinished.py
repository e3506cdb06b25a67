"""The encoder of a run that is not done: its newest whole checkpoint holds the weights and the card."""

from __future__ import annotations

import json
from pathlib import Path

from torch import Tensor

from vesalius.encoders.encoder import Card
from vesalius.encoders.saving import CARD
from vesalius.files import checksum

_STATE, _METHOD = "state.json", "method.safetensors"
PARTS = (_STATE, CARD, _METHOD)
"""The files of a checkpoint that an encoder is made of."""


def newest_encoder(run: Path) -> tuple[str, dict[str, Tensor], Card] | None:
    """Name, network's tensors and card of the newest whole checkpoint in a run's folder; None where there is none."""
    for folder in sorted((run / "checkpoints").glob("step-*"), reverse=True):
        try:
            state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
            whole = all(checksum(folder / name) == state["sha256"][name] for name in (CARD, _METHOD))
            card = Card.model_validate_json((folder / CARD).read_text(encoding="utf-8"))
            prefix = f"{state['encoder']}."
        except (OSError, ValueError, KeyError):
            continue
        if whole:
            from safetensors.torch import load_file

            tensors = load_file(folder / _METHOD)
            return folder.name, {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}, card
    return None
