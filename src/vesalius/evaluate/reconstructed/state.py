"""A fit on disk while it goes on: generators, optimizer and what was found so far, in one safetensors file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vesalius.evaluate.reconstructed.generator import Generators
from vesalius.files import atomic_write

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What Adam holds of each parameter."""


@dataclass(frozen=True)
class Kept:
    """Where a fit's state stands, and the ``key`` of everything that it depends on."""

    file: Path
    key: str


def save(kept: Kept, done: int, seconds: float, generators: Generators, optimizer: torch.optim.Adam, held: dict[str, Tensor]) -> None:
    """Write the state after ``done`` iterations, which took ``seconds``; whoever reads it sees this one or the one before."""
    from safetensors.torch import save as as_bytes

    tensors = {f"held/{name}": tensor for name, tensor in held.items()}
    for name, parameter in generators.weights.items():
        tensors[f"weights/{name}"] = parameter.detach()
        tensors |= {f"{moment}/{name}": optimizer.state[parameter][moment] for moment in _MOMENTS if parameter in optimizer.state}
    at_hand = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    atomic_write(kept.file, as_bytes(at_hand, {"key": kept.key, "done": str(done), "seconds": repr(seconds)}))


def restored(kept: Kept, generators: Generators, optimizer: torch.optim.Adam, held: dict[str, Tensor]) -> tuple[int, float]:
    """Put everything back as it was saved under ``kept.key``: iterations done and their seconds, zeros where there is no such state."""
    said, tensors = _read(kept)
    if not said:
        return 0, 0.0
    device = generators.noise.device
    for name in held:
        held[name] = tensors[f"held/{name}"].to(device)
    for name, parameter in generators.weights.items():
        parameter.data.copy_(tensors[f"weights/{name}"])
        if f"exp_avg/{name}" in tensors:
            optimizer.state[parameter] = {moment: tensors[f"{moment}/{name}"].to(device) for moment in _MOMENTS}
    return int(said["done"]), float(said["seconds"])


def done(kept: Kept) -> int:
    """How many iterations a fit that goes on from there has behind it."""
    return int(_read(kept)[0].get("done", 0))


def forgotten(kept: Kept) -> None:
    """The state is of a fit that is done."""
    kept.file.unlink(missing_ok=True)


def _read(kept: Kept) -> tuple[dict[str, str], dict[str, Tensor]]:
    """What stands there under the key, said and held; nothing where the file is not whole or of something else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(kept.file, "pt") as file:
            said = file.metadata() or {}
            if said.get("key") != kept.key:
                return {}, {}
            return said, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError):
        return {}, {}
