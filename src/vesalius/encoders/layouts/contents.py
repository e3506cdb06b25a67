"""What a weights file holds, told by its bytes and not by its suffix: named tensors and the settings beside them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vesalius.data.unpickle import Refused
from vesalius.encoders.torch_file import TorchFile
from vesalius.encoders.torch_pickle import Held, Opaque
from vesalius.errors import UserError

_NESTS = (
    "state_dict",
    "model_state_dict",
    "model",
    "network",
    "net",
    "backbone",
    "encoder",
    "resnet",
    "module",
    "params",
)
_SETTINGS = ("hyper_parameters", "args", "nnssl_adaptation_plan", "init_args")
"""Under which keys Lightning, training scripts, nnssl and nnU-Net put what a network was made with."""
_OTHERS = (
    (b"version https://git-lfs", "is a pointer of Git LFS and not the file it stands for: run git lfs pull"),
    (b"<", "is a web page and not the file behind it: download it again"),
    (b"\x89HDF", "is an HDF5 file of Keras or TensorFlow: convert it to a PyTorch state_dict first"),
    (b"\x1f\x8b", "is compressed with gzip: unpack it first"),
)


@dataclass(frozen=True)
class Contents:
    """``tensors`` by name; ``kind`` of file in words; ``nest``: the keys that led to the tensors; hyper-``settings``."""

    tensors: Mapping[str, Tensor]
    kind: str
    nest: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """Keys of the outermost dictionary."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    architecture: str = ""
    """The name of a network that the file mentions, as training scripts do under ``arch``."""


def read_contents(path: str | Path) -> Contents:
    """Read ``path``: safetensors, a checkpoint of torch of either format, or a pickle of arrays. Raises UserError.

    Nothing that a file says is imported or run (see ``torch_pickle``).
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"The weights file {path} does not exist. Give the path of a .safetensors or .pth file.")
    try:
        found = _read(path)
    except Refused as error:
        raise UserError(
            f"{path.name} cannot be read as weights: it {error}. It must be a whole .safetensors file or a checkpoint of "
            "torch; what would run code is refused. Get the file again, or save the network's state_dict() alone."
        ) from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"{path.name} cannot be read as weights ({reason[:200]}). It must be a whole .safetensors file or a checkpoint "
            "of torch. Get the file again, or save the network's state_dict() alone."
        ) from error
    if not found.tensors:
        raise UserError(f"{path.name} holds no named tensors. Save the network's state_dict() and give that file.")
    return found


def _read(path: Path) -> Contents:
    with open(path, "rb") as file:
        head = file.read(64)
    for magic, words in _OTHERS:
        if head.lstrip().startswith(magic):
            raise Refused(words)
    length = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and length < path.stat().st_size:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return Contents(load_file(path), "safetensors")
        except SafetensorError as error:
            raise Refused(f"is a damaged safetensors file ({error})") from None
    if not head.startswith((b"PK\x03\x04", b"\x80", b"(", b"}", b"]", b"c")):
        raise Refused("is neither safetensors nor a checkpoint of torch, or it is damaged")
    file_of_torch = TorchFile(path)
    found, nest = _named(file_of_torch.content)
    held = {name: value for name, value in found.items() if isinstance(value, Held)}
    tensors = file_of_torch.tensors(held)
    for name, value in found.items():
        if isinstance(value, np.ndarray):
            tensors[name] = torch.from_numpy(np.ascontiguousarray(value))
    outer = file_of_torch.content if isinstance(file_of_torch.content, dict) else {}
    lightning = "pytorch-lightning_version" in outer
    arch = outer.get("arch")
    return Contents(
        {name: tensors[name] for name in found if name in tensors},
        "Lightning checkpoint" if lightning else "pickle" if file_of_torch.plain else "torch file",
        nest,
        tuple(str(key) for key in outer),
        settings(next((outer[key] for key in _SETTINGS if outer.get(key)), {})),
        arch if isinstance(arch, str) else "",
    )


def _named(content: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The dictionary of tensors in ``content``, and the keys that lead to it; of student and teacher the teacher."""
    nest: list[str] = []
    while True:
        if isinstance(content, Opaque):
            inside = module_tensors(content)
            return (inside, (*nest, "a whole module")) if inside else ({}, tuple(nest))
        if not isinstance(content, dict):
            return {}, tuple(nest)
        key = _next(content)
        if key is None:
            return {str(k): v for k, v in content.items() if isinstance(v, Held | np.ndarray)}, tuple(nest)
        nest.append(key)
        content = content[key]


def _next(content: Mapping[Any, Any]) -> str | None:
    """The key under which tensors lie deeper; None where they lie here."""
    if any(isinstance(value, Held | np.ndarray) and getattr(value, "shape", ()) for value in content.values()):
        own = sum(isinstance(value, Held | np.ndarray) for value in content.values())
    else:
        own = 0
    inner = {k: _count(v) for k, v in content.items() if isinstance(k, str) and isinstance(v, dict | Opaque)}
    if inner.get("teacher", 0) > own and "student" in inner:
        return "teacher"
    for key in (*_NESTS, "teacher"):
        if inner.get(key, 0) > own:
            return key
    best = max(inner, key=lambda k: inner[k], default=None)
    return best if best is not None and not own and inner[best] else None


def _count(value: Any) -> int:
    """Tensors in and below a dictionary or module; states of optimizers, keyed by numbers, are none."""
    if isinstance(value, Held | np.ndarray):
        return 1
    if isinstance(value, Opaque):
        return len(module_tensors(value))
    if isinstance(value, dict):
        return sum(_count(v) for k, v in value.items() if isinstance(k, str))
    return 0


def module_tensors(module: Opaque, prefix: str = "") -> dict[str, Held]:
    """Parameters and buffers of a module that was saved whole, as its ``state_dict()`` would name them."""
    found: dict[str, Held] = {}
    state = module.state if isinstance(module.state, dict) else {}
    for part in ("_parameters", "_buffers"):
        values = state.get(part)
        found |= (
            {f"{prefix}{k}": v for k, v in values.items() if isinstance(v, Held)} if isinstance(values, dict) else {}
        )
    children = state.get("_modules")
    for name, child in children.items() if isinstance(children, dict) else ():
        if isinstance(child, Opaque):
            found |= module_tensors(child, f"{prefix}{name}.")
    return found


def settings(value: Any) -> dict[str, Any]:
    """A dictionary, a Namespace or an object that derives from a dictionary, as a dictionary by text."""
    if isinstance(value, Opaque):
        value = value.items or (value.state if isinstance(value.state, dict) else {})
    return {str(k): v for k, v in value.items()} if isinstance(value, dict) else {}


def plain(value: Any) -> Any:
    """The value of an enumeration as text; anything else as it is."""
    return value.arguments[0] if isinstance(value, Opaque) and len(value.arguments) == 1 else value
