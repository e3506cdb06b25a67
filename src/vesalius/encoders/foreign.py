"""Weights that a network is filled with, wherever they come from: tensors, and what their file tells of the network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from vesalius.encoders.encoder import Card
from vesalius.encoders.layouts import (
    BACKBONE,
    Architecture,
    Contents,
    card_of,
    encoder_in,
    read_contents,
    read_worker,
    tell,
    translate,
)
from vesalius.encoders.layouts.volumes import DUPLICATE
from vesalius.encoders.lightly_resnet import NAMES as LIGHTLY
from vesalius.encoders.loaded import some
from vesalius.errors import UserError

PLACES = (
    "checkpoints/last.ckpt",
    "outputs/checkpoints/last.ckpt",
    "last.ckpt",
    "model.safetensors",
    "pytorch_model.bin",
)
"""What is taken of a folder: InnerEye's and hi-ml's last checkpoint, the hub's weights."""


@dataclass(frozen=True)
class Weights:
    """``tensors`` of the encoder under the names of ours, torchvision or timm where its kind is known, else as they were.

    ``source``: the file's name, or the name of public weights. ``layout``: what was recognised, in words. ``rest``:
    names of the file's other tensors. ``mean``, ``std``: how the input is standardised; empty where nothing says it.
    ``size``: pixels per side they were made for, where something says it. ``head``: tensors of a projection head of the Lightly
    Worker, by layer; ``card``: what we wrote into a checkpoint of its layout; ``body``: the same for the bare ResNet in it.
    """

    source: str
    tensors: Mapping[str, Tensor]
    layout: str = ""
    rest: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    size: tuple[int, ...] = ()
    architecture: Architecture | None = None
    contents: Contents | None = field(default=None, repr=False)
    head: Mapping[str, Tensor] = field(default_factory=dict, repr=False)
    card: Card | None = None
    body: Weights | None = field(default=None, repr=False)

    def options(self, name: str) -> dict[str, Any]:
        """What the weights say of the network ``name``: its stem, width; nothing of another network."""
        told = self.architecture
        if told is not None and told.name == name:
            return dict(told.options)
        return {} if self.body is None else self.body.options(name)

    def fitting(self, own: Iterable[str]) -> Weights:
        """These weights with the tensors under the names that fit a network's ``own`` names best."""
        own = list(own)
        wanted = set(own)
        if self.body is not None and len(wanted & self.body.tensors.keys()) > len(wanted & self.tensors.keys()):
            return self.body
        if self.contents is None or (have := len(wanted & self.tensors.keys())) == len(wanted):
            return self
        part = encoder_in(self.contents, own)
        if part is None or len(wanted & part.tensors.keys()) <= have:
            return self
        rest = tuple(name for name in self.contents.tensors if not name.startswith(part.root))
        layout = f"{_kind(self.contents)}; {part.family}"
        return Weights(self.source, part.tensors, layout, rest, self.mean, self.std, self.size, None, self.contents)


def read_weights(path: Path) -> Weights:
    """The weights in a file of others, the encoder found in it and its names translated. Raises UserError."""
    contents = read_contents(path)
    if (card := card_of(contents)) is not None and card.architecture not in LIGHTLY:
        tensors = {name.removeprefix(BACKBONE): tensor for name, tensor in contents.tensors.items() if name.startswith(BACKBONE)}
        told = Architecture(card.architecture, card.options, card.channels, card.size, card.architecture)
        return Weights(path.name, tensors, "", (), card.mean, card.std, card.size, told, contents, card=card)
    part = encoder_in(contents)
    hub = _hub(path)
    if part is None:
        architecture = _hub_architecture(hub) or _mentioned(contents)
        return Weights(
            path.name,
            contents.tensors,
            _kind(contents),
            architecture=architecture,
            contents=contents,
            **_statistics(hub),
        )
    tensors, old, facts = translate(part.tensors)
    worker = read_worker(part.tensors, contents)
    architecture = tell(tensors, {**part.facts, **facts}) or _hub_architecture(hub) or _mentioned(contents)
    rest = tuple(
        name
        for name in contents.tensors
        if (name.removeprefix(part.root) not in old.values() or not name.startswith(part.root))
        and not DUPLICATE.search(name)
    )
    standardised = _statistics(hub) or {key: facts[key] for key in ("mean", "std") if key in facts}
    used = _without_norm(tensors) if "mean" in facts else tensors
    layout = f"{_kind(contents)}; {part.family}"
    found = Weights(path.name, used, layout, rest, architecture=architecture, contents=contents, **standardised)
    if worker is None:
        return found
    card = worker.card
    known: dict[str, Any] = {} if card is None else {"mean": card.mean, "std": card.std, "size": card.size}
    others = tuple(name for name in rest if not name.startswith(f"{part.root}7."))
    return Weights(
        path.name, worker.tensors, f"{_kind(contents)}; Lightly Worker", others, architecture=worker.architecture, contents=contents, head=worker.head,
        card=card, body=found, **known,
    )  # fmt: skip


def weights_file(folder: Path) -> Path | None:
    """The file of weights that stands for a folder of others."""
    return next((folder / name for name in PLACES if (folder / name).is_file()), None)


def unknown_network(weights: Weights) -> UserError:
    """What to give where a file does not say which network it belongs to."""
    names = list(weights.tensors)
    return UserError(
        f"{weights.source} ({weights.layout}) does not tell which network its {len(names)} tensors belong to "
        f"({some(names)}). Name it: --encoder NAME --weights {weights.source} of embed and export (export makes it an encoder that "
        "evaluate takes), in Python load_encoder(NAME, weights=FILE), in a recipe encoder.name and encoder.weights. NAME is resnet18, "
        "resnet34, resnet50, resnet101 or densenet121 (with stem and width where they are not the usual ones), timm:NAME, torchvision:NAME, "
        "for volumes monai:vit, monai:swin_unetr, monai:segresnet or resenc-l, or my_file.py:build for a network of your own."
    )


def _kind(contents: Contents) -> str:
    return contents.kind + (f" under {'.'.join(contents.nest)}" if contents.nest else "")


def _without_norm(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A batch-norm of the input has become mean and deviation: it is used, and not left out."""
    return {name: tensor for name, tensor in tensors.items() if not name.startswith("0.")}


def _mentioned(contents: Contents) -> Architecture | None:
    """The network of timm that a training script wrote down by name."""
    name = contents.architecture
    if not name:
        return None
    import timm

    if not timm.is_model(name):
        return None
    kernel = next((t for t in contents.tensors.values() if t.ndim == 4), None)
    channels = 3 if kernel is None else int(kernel.shape[1])
    config = timm.get_pretrained_cfg(name)
    size = tuple(config.input_size[1:]) if config is not None else (224, 224)
    return Architecture(f"timm:{name}", {}, channels, size, f"{name} of timm, named in the file")


def _hub(path: Path) -> Mapping[str, Any]:
    """timm's ``config.json`` beside a file of the hub; empty for anything else."""
    try:
        found = json.loads((path.parent / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("pretrained_cfg"), dict) else {}


def _hub_architecture(hub: Mapping[str, Any]) -> Architecture | None:
    name = hub.get("architecture")
    if not isinstance(name, str):
        return None
    channels, *size = hub["pretrained_cfg"].get("input_size", (3, 224, 224))
    given = hub.get("model_args")
    options = (
        {k: v for k, v in given.items() if k not in ("num_classes", "in_chans")} if isinstance(given, dict) else {}
    )
    return Architecture(f"timm:{name}", options, int(channels), tuple(size), f"{name} of timm, by its config.json")


def _statistics(hub: Mapping[str, Any]) -> dict[str, Any]:
    config = hub.get("pretrained_cfg", {})
    if not ("mean" in config and "std" in config):
        return {}
    return {"mean": tuple(map(float, config["mean"])), "std": tuple(map(float, config["std"]))}
