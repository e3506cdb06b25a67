"""Write an encoder as ``encoder.safetensors`` and ``encoder.json``; the hash that names its weights."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from vesalius.encoders.encoder import Card, Encoder

WEIGHTS, CARD = "encoder.safetensors", "encoder.json"


def weights_hash(encoder: Encoder) -> str:
    """SHA-256 over the network's tensors in order of name: name, type, shape and bytes. The same on every device."""
    state = hashlib.sha256()
    for name, tensor in sorted(encoder.network.state_dict().items()):
        state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        state.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return state.hexdigest()


def save_encoder(encoder: Encoder, folder: str | Path) -> Card:
    """Write weights and card into ``folder``, each atomically, the card last; returns the card with the weights' hash."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    card = encoder.card.model_copy(update={"weights": weights_hash(encoder)})
    write_tensors(folder / WEIGHTS, encoder.network.state_dict())
    write_json(folder / CARD, card.model_dump_json(indent=2))
    encoder.card = card
    return card


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write ``tensors`` atomically as safetensors; layouts become contiguous, shared memory becomes copies."""
    from safetensors.torch import save_file

    seen: set[int] = set()
    plain: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().contiguous()
        plain[name] = tensor.clone() if tensor.untyped_storage().data_ptr() in seen else tensor
        seen.add(tensor.untyped_storage().data_ptr())
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    save_file(plain, partial)
    os.replace(partial, path)


def write_json(path: Path, text: str) -> None:
    """Write ``text`` atomically."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
