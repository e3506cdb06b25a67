"""Write an encoder as ``encoder.safetensors`` and ``encoder.json``; the hash that names its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from vesalius.encoders.encoder import Card, Encoder
from vesalius.files import atomic_write

WEIGHTS, CARD = "encoder.safetensors", "encoder.json"


def weights_hash(encoder: Encoder) -> str:
    """SHA-256 over the network's tensors in order of name: name, type, shape and bytes. The same on every device."""
    state = hashlib.sha256()
    for name, tensor in sorted(encoder.network.state_dict().items()):
        state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        state.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return state.hexdigest()


def save_encoder(encoder: Encoder, folder: str | Path) -> Card:
    """Write weights and card into ``folder``, each atomically, the card last; returns the card with its hash filled."""
    folder = Path(folder)
    card = encoder.card.model_copy(update={"weights": weights_hash(encoder)})
    atomic_write(folder / WEIGHTS, tensor_bytes(encoder.network.state_dict()))
    atomic_write(folder / CARD, card.model_dump_json(indent=2) + "\n")
    encoder.card = card
    return card


def tensor_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """``tensors`` as safetensors; layouts become contiguous, shared memory becomes copies (the format refuses both)."""
    from safetensors.torch import save

    seen: set[int] = set()
    plain: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        here = tensor.detach().cpu().contiguous()
        plain[name] = here.clone() if here.untyped_storage().data_ptr() in seen else here
        seen.add(here.untyped_storage().data_ptr())
    return save(plain)
