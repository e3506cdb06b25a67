"""Read weights, fill a network with them and say what matched; find the encoder a reference means."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vesalius.encoders.channels import adapt
from vesalius.encoders.encoder import Card, Encoder
from vesalius.encoders.loaded import Loaded, some
from vesalius.encoders.saving import CARD, WEIGHTS, weights_hash
from vesalius.errors import UserError

_log = logging.getLogger("vesalius")
_OPTIONAL = ("num_batches_tracked", "mask_token")
_NESTS = ("state_dict", "model_state_dict", "model", "network", "teacher")


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a ``.safetensors`` file, or of a ``.pth``, ``.pt``, ``.ckpt`` or ``.bin`` of plain data."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"The weights file {path} does not exist. Give the path of a .safetensors or .pth file.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        # weights_only: a pickle that would run code is refused by torch.
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"{path.name} cannot be read as weights ({reason[:200]}). It must be a whole .safetensors file or a "
            "checkpoint of plain tensors; one that holds other Python objects is refused, because reading it could run "
            "code. Save its state_dict() alone and try again."
        ) from error
    while isinstance(content, dict):
        nest = next((n for n in _NESTS if isinstance(content.get(n), dict)), None)
        if nest is None:
            break
        content = content[nest]
    tensors = {k: v for k, v in content.items() if isinstance(v, Tensor)} if isinstance(content, dict) else {}
    if not tensors:
        raise UserError(f"{path.name} holds no named tensors. Save the network's state_dict() and give that file.")
    return tensors


def fill(network: nn.Module, tensors: Mapping[str, Tensor], source: str, min_match: float = 0.95) -> Loaded:
    """Copy ``tensors`` into ``network`` in place, its own layout kept. Raises UserError under a share of ``min_match``.

    A common prefix (``module.``, ``encoder.``, ``backbone.``) is found and dropped; first convolution and position
    embeddings are adapted (see ``channels``). Counters of batch-norm and a mask token may be missing.
    """
    own = network.state_dict()
    prefix = _prefix(own, tensors)
    given, notes = adapt({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}, network)
    matched = [k for k in own if k in given and given[k].shape == own[k].shape]
    missing = [k for k in own if k not in matched and not k.endswith(_OPTIONAL)]
    unexpected = [k for k in given if k not in own] + [k for k in tensors if not k.startswith(prefix)]
    loaded = Loaded(source, tuple(matched), tuple(missing), tuple(unexpected), tuple(notes))
    share = len(matched) / max(1, len(matched) + len(missing))
    if share < min_match:
        shapes = [f"{k} {tuple(given[k].shape)} for {tuple(own[k].shape)}" for k in missing if k in given]
        raise UserError(
            f"Only {share:.0%} of the network's tensors were found in {source}; {min_match:.0%} are asked for. "
            f"Missing: {some(missing)}. Not used: {some(unexpected)}."
            + (f" Other shapes: {some(shapes)}." if shapes else "")
            + " Build the network with the options of the weights (stem, width, size), or lower min_match."
        )
    with torch.no_grad():
        for name in matched:
            own[name].copy_(given[name])
    return loaded


def weights_from(reference: str) -> tuple[dict[str, Tensor], tuple[float, ...], tuple[float, ...]]:
    """Tensors, mean and deviation of ``timm:NAME``, ``torchvision:NAME`` (downloaded), a file, folder or run."""
    family, _, name = reference.partition(":")
    if family in ("timm", "torchvision"):
        module = import_module(f"vesalius.encoders.{family}_family")
        return module.pretrained(name), *module.statistics(name)
    path = _place(reference)
    file, card = (path / WEIGHTS, path / CARD) if path.is_dir() else (path, path.with_suffix(".json"))
    if not card.is_file():
        return read_tensors(file), (), ()
    read = read_card(card)
    return read_tensors(file), read.mean, read.std


def load_encoder(
    reference: str | Path, *, code: str | Path | None = None, min_match: float = 0.95, **options: Any
) -> Encoder:
    """The encoder that ``reference`` means, in evaluation mode, a plain ``torch.nn.Module``.

    ``reference``: a folder or run folder with ``encoder.safetensors`` and ``encoder.json``, such a file, ``run:ID``, or
    a network's name (``resnet18``, ``timm:NAME``, ``torchvision:NAME``), whose weights are random unless ``weights`` is
    among ``options`` (see ``build_encoder``). ``latest`` is the latest run. ``code``: the user's file, where the
    architecture is one and it is not in the current folder. What matched is logged and kept as ``encoder.loaded``.
    Raises UserError.
    """
    from vesalius.encoders.build import build_encoder, is_name

    if isinstance(reference, str) and is_name(reference):
        return build_encoder(reference, min_match=min_match, **options).eval()
    if options:
        raise UserError(f"The card of {reference} says how it was built: {', '.join(options)} cannot be chosen again.")
    place = _place(str(reference))
    folder, weights = (place, place / WEIGHTS) if place.is_dir() else (place.parent, place.with_suffix(".safetensors"))
    card_file = folder / CARD if place.is_dir() else place.with_suffix(".json")
    if not card_file.is_file() or not weights.is_file():
        inside = ", ".join(sorted(p.name for p in folder.iterdir())[:8]) or "nothing"
        raise UserError(
            f"{reference} holds no encoder: {card_file.name} and {weights.name} must be there, and there is {inside}. "
            "Give the folder of a finished run or one written by save_encoder, or pass weights=FILE to build_encoder."
        )
    card = read_card(card_file)
    shape: dict[str, Any] = {"channels": card.channels, "size": card.size}
    built = build_encoder(card.architecture, code=code, from_card=True, **shape, **card.options)
    loaded = fill(built.network, read_tensors(weights), weights.name, min_match)
    built.loaded = loaded
    built.card = card
    _log.info("%s", loaded.sentence())
    if card.weights and weights_hash(built) != card.weights:
        _log.warning("The weights of %s are not those its card was written for (SHA-256 differs).", weights.name)
    return built.eval()


def encoder_folder(reference: str | Path) -> Path | None:
    """The folder that holds the encoder of ``reference``; None for a network's name."""
    from vesalius.encoders.build import is_name

    if is_name(str(reference)):
        return None
    place = _place(str(reference))
    return place if place.is_dir() else place.parent


def read_card(file: Path) -> Card:
    """The card in ``file``. Raises UserError where it is none."""
    try:
        return Card.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UserError(f"{file} is not an encoder's card: {error}. Export the encoder again.") from error


def _place(reference: str) -> Path:
    from vesalius import runs
    from vesalius.encoders.build import known_names

    path = Path(reference).expanduser()
    if path.exists():
        return path
    try:
        return runs.find(reference)
    except UserError as error:
        if reference.startswith("run:") or " fits " in str(error):
            raise
        raise UserError(
            f"There is no encoder {reference!r}: no such folder, file, run or network. Give a run folder or id, or one "
            f"of {', '.join(known_names())}, timm:NAME, torchvision:NAME, my_file.py:build."
        ) from None


def _prefix(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> str:
    names = list(own)
    probes = {names[0], names[len(names) // 2], names[-1]}
    candidates = {""} | {k.removesuffix(p) for k in tensors for p in probes if k.endswith(p)}
    return max(sorted(candidates, key=len), key=lambda c: sum(c + n in tensors for n in names))
